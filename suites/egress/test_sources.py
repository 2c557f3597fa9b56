"""Source addresses between pods, nodes and external hosts: D44 to D47."""

from __future__ import annotations

from fixtures.clusters.protocol import EXTERNAL_CLIENT, EXTERNAL_HOST, NODE_COMMANDS
from fixtures.probes.flows import to_pod
from fixtures.probes.pods import PORTS
from fixtures.testbed.external_host import route_pods_via
from fixtures.testbed.testbed import HOST_PORTS, OUTSIDE, Testbed
from policies.families import Family
from policies.flow import Flow, Target
from suites.support.captures import Captures
from suites.support.expect import Expect, require
from suites.support.marks import disturbs, needs, requirement

FLOWS = 200  # connections whose source ports are compared
KEPT = 0.1  # share of source ports that may be the pod's own; by chance it is FLOWS in 64,000


def source_ports(captures: Captures, source: str, outside: str) -> set[int]:
    """The source ports of TCP packets from an address to the external host."""
    return {
        packet.outer.sport
        for _, packet in captures.packets
        if packet.outer.pair == (source, outside) and packet.outer.protocol == "tcp"
    }


@requirement("D44")
@needs(EXTERNAL_HOST, NODE_COMMANDS, "masquerade", "cni0-bridge")
def test_masqueraded_connections_get_random_ports(testbed: Testbed, expect: Expect, family: str) -> None:
    """Of 200 connections to the external host at most a tenth keeps the pod's source port."""
    outside = testbed.topology.outside_ip(Family(family))
    client = testbed.pods_on(testbed.nodes[0])[0]
    with Captures(testbed, f"D44-in-{family}", "cni0") as inner, Captures(testbed, f"D44-out-{family}") as outer:
        testbed.probers[client.key].probe([Target("tcp", outside, PORTS[0])], rounds=FLOWS)
    before = source_ports(inner, client.ip(family), outside)
    after = source_ports(outer, testbed.hosts[client.node].ip(family), outside)
    expect.facts["ports"] = {"pod": len(before), "node": len(after), "kept": len(before & after)}
    require(len(before) > FLOWS / 2, f"the capture on cni0 saw {len(before)} of {FLOWS} connections")
    require(len(after) > FLOWS / 2, f"the capture on the uplink saw {len(after)} of {FLOWS} masqueraded connections")
    require(len(before & after) < KEPT * FLOWS, f"{len(before & after)} of {FLOWS} connections kept the pod's port")


@requirement("D45")
@needs("node-masquerade", "node-to-pod")
def test_other_nodes_see_the_pods_node(testbed: Testbed, expect: Expect, family: str) -> None:
    """A pod that connects to another node's address is seen there with its own node's address."""
    expect.flows(
        [
            Flow(
                pod.key,
                host.key,
                Target(protocol, host.ip(family), HOST_PORTS[0]),
                identities=frozenset({host.key}),
                sources=frozenset({testbed.hosts[pod.node].ip(family)}),
            )
            for pod in testbed.pods.values()
            for host in testbed.hosts.values()
            for protocol in ("tcp", "udp")
            if host.node != pod.node
        ]
    )


@requirement("D46")
@needs(EXTERNAL_HOST, EXTERNAL_CLIENT, NODE_COMMANDS, "pod-cidr")
@disturbs
def test_a_client_outside_is_seen_as_itself_at_the_pods_node(testbed: Testbed, expect: Expect, family: str) -> None:
    """A pod sees an external client's own address if the packets arrive at the pod's own node."""
    outside = testbed.topology.outside_ip(Family(family))
    pod = testbed.pods_on(testbed.nodes[-1])[0]
    with route_pods_via(testbed, {pod.node: pod.node}, family):
        flows = [
            to_pod(OUTSIDE, pod, protocol, PORTS[0], family, sources=frozenset({outside}))
            for protocol in ("tcp", "udp")
        ]
        expect.flows(flows)


def at_another_node(testbed: Testbed, via: str, family: str) -> frozenset[str]:
    """The source addresses that a pod sees of an external client via another node, as the variant documents."""
    outside = testbed.topology.outside_ip(Family(family))
    if "external-masquerade" not in testbed.cni.variant.features:
        return frozenset({outside})
    return testbed.addresses_of(via, family)


@requirement("D47")
@needs(EXTERNAL_HOST, EXTERNAL_CLIENT, NODE_COMMANDS, "pod-cidr")
@disturbs
def test_a_client_outside_comes_by_another_node_as_documented(testbed: Testbed, expect: Expect, family: str) -> None:
    """A client whose packets come by another node reaches the pod, seen as that node or as itself."""
    if len(testbed.nodes) > 1:
        pod, via = testbed.pods_on(testbed.nodes[1])[0], testbed.nodes[0]
        sources = at_another_node(testbed, via, family)
        expect.facts["seen as"] = sorted(sources)
        with route_pods_via(testbed, {pod.node: via}, family):
            expect.flows([to_pod(OUTSIDE, pod, p, PORTS[0], family, sources=sources) for p in ("tcp", "udp")])
    else:
        expect.flows([])
