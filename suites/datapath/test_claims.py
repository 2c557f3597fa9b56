"""What tutorials say of such plugins, and no other case asks: K01 to K07 (reports/claims.yaml has all of it)."""

from __future__ import annotations

import contextlib
import ipaddress
import re
import secrets
from typing import TYPE_CHECKING, Any

import pytest

from fixtures import world
from fixtures.clusters.protocol import NODE_COMMANDS
from fixtures.clusters.topology import UPLINK
from fixtures.nodestate import Finding
from fixtures.probes import matrix
from fixtures.probes.client import Prober
from fixtures.probes.settling import settle
from fixtures.probes.stream import PodStream
from fixtures.testbed import NAMESPACES
from fixtures.world import PORTS, PodPlan
from policies import manifest
from policies.flow import Expected, Target
from suites.expect import Expect, require, to_pod
from suites.marks import disturbs, needs, requirement
from suites.uplinks import Captures, is_pod

if TYPE_CHECKING:
    from fixtures.testbed import Testbed
    from fixtures.world import ProbePod

ADDRESS = re.compile(r"[0-9a-fA-F]*[.:][0-9a-fA-F.:]+")
SECOND_PORT = 90
FLOWS = 20  # fresh flows to one peer while requests for neighbours are counted


def hops(testbed: Testbed, client: ProbePod, server: ProbePod) -> list[tuple[str, str]]:
    """(node, interface) that a packet passes from a pod to one on another node."""
    device = testbed.words(client.node).get("device", "")
    tunnel = testbed.encapsulated(client.node, server.node) and device
    encrypted = testbed.cni.variant.encapsulation == "wireguard"  # then nobody sees the packet on the uplink
    there = ["cni0", *([device] if tunnel else []), *([] if encrypted else [UPLINK])]
    return [(client.node, each) for each in there] + [(server.node, each) for each in reversed(there)]


def passed(packets: list[dict[str, Any]], pair: tuple[str, str]) -> int:
    """How many packets of a pair of pods an interface saw, in whatever wrapping; in or out counts once."""
    seen = {"in": 0, "out": 0}
    for packet in packets:
        if any((header["src"], header["dst"]) == pair for header in packet["headers"]):
            seen[packet["direction"]] += packet["count"]
    return max(seen.values())


@requirement("K01")
@needs(NODE_COMMANDS, "cni0-bridge")
@disturbs
def test_a_packet_passes_the_hops_that_are_drawn(testbed: Testbed, expect: Expect) -> None:
    """One datagram passes bridge, tunnel and uplink of its node, then uplink, tunnel and bridge of the other."""
    if len(testbed.nodes) < 2:
        pytest.skip("the cluster has nothing of the kind: too few nodes")
    client, server = testbed.pods_on(testbed.nodes[0])[0], testbed.pods_on(testbed.nodes[-1])[0]
    way, family = hops(testbed, client, server), testbed.topology.families[0]
    for node, interface in way:
        testbed.probers[testbed.hosts[node].key].start_capture(f"K01-{interface}", interface)
    testbed.probers[client.key].probe([Target("udp", server.ip(family), PORTS[0])])
    pair = (client.ip(family), server.ip(family))
    counted = [
        (
            f"{node} {each}",
            passed(testbed.probers[testbed.hosts[node].key].stop_capture(f"K01-{each}")["packets"], pair),
        )
        for node, each in way
    ]
    expect.facts["hops"] = counted
    expect.nothing(
        [f"{hop}: expected 1 packet, saw {count}" for hop, count in counted if count != 1], "the way differs"
    )


@requirement("K02")
@needs(NODE_COMMANDS, "pod-cidr")
def test_no_multicast_carries_the_tunnel(testbed: Testbed, expect: Expect) -> None:
    """Nodes get unicast networks, and no tunnel device has a multicast group."""
    cidrs = [ipaddress.ip_network(cidr) for node in testbed.kube.nodes() for cidr in node["spec"]["podCIDRs"]]
    found = [f"podCIDR {cidr} is multicast" for cidr in cidrs if cidr.is_multicast]
    for name, state in testbed.snapshot().nodes.items():
        for link in state.table("links"):
            data = link.get("linkinfo", {}).get("info_data", {})
            if data.get("group") or data.get("group6"):
                found.append(f"{name}: {link['ifname']} has group {data.get('group') or data.get('group6')}")
    expect.nothing(found, "multicast is used")


@requirement("K03")
def test_node_objects_hold_no_pod_addresses(testbed: Testbed, expect: Expect) -> None:
    """What agents publish about a node in the API names networks and tunnel ends, and no pod's address."""
    addresses = {ip for pod in testbed.pods.values() for ip in pod.ips}
    found = [
        f"{node['metadata']['name']}: annotation {name} names pod {address}"
        for node in testbed.kube.nodes()
        for name, value in node["metadata"].get("annotations", {}).items()
        for address in addresses & set(ADDRESS.findall(value))
    ]
    expect.nothing(found, "pod addresses are published")


@requirement("K04")
def test_containers_of_a_pod_talk_over_loopback(testbed: Testbed, expect: Expect) -> None:
    """A container reaches another one of its pod on the loopback interface."""
    plan = PodPlan(NAMESPACES[0], f"two-{secrets.token_hex(3)}", testbed.nodes[0])
    pod = world.pod_object(plan)
    (agent,) = pod["spec"]["containers"]
    command = [*agent["command"][: -len(PORTS)], str(SECOND_PORT)]
    pod["spec"]["containers"].append({**agent, "name": "second", "command": command, "ports": []})
    testbed.kube.apply([pod])
    try:
        world.wait_ready(testbed.kube, [(plan.namespace, plan.name)], world.READY_PATIENCE)
        stream = PodStream(testbed.kube, plan.namespace, plan.name, world.PROBE, container="agent")
        address = "127.0.0.1" if "ipv4" in testbed.topology.families else "::1"
        flow = Expected(plan.name, "its second container", Target("tcp", address, SECOND_PORT))
        with contextlib.closing(Prober(plan.name, stream)) as prober:
            settled = settle(lambda: matrix.compare([flow], matrix.observe({plan.name: prober}, [flow])))
    finally:
        world.remove(testbed.kube, [plan])
    expect.nothing(settled.wrong, "a container does not reach another one of its pod")


@requirement("K05")
@needs(NODE_COMMANDS)
@disturbs
def test_packets_of_the_pod_mtu_are_not_split(testbed: Testbed, expect: Expect, family: str) -> None:
    """Packets as large as pods' routes allow leave as they are: the underlay carries no fragment of them."""
    first = [testbed.pods_on(node)[0] for node in testbed.nodes]
    if len(first) < 2:
        pytest.skip("the cluster has nothing of the kind: too few nodes")
    with Captures(testbed, f"K05-{family}") as captures:
        for client in first:
            prober = testbed.probers[client.key]
            for server in first:
                if server.node != client.node:
                    target = Target("udp", server.ip(family), PORTS[0])
                    prober.sizes(target, [prober.route_mtu(target)])
    found = [Finding(node, f"fragments on {UPLINK}", "none", str(p)) for node, p in captures.packets if p["fragments"]]
    expect.nothing(found, "packets are split")


@requirement("K06")
@disturbs
def test_a_policy_without_engine_is_accepted_and_has_no_effect(testbed: Testbed, expect: Expect, family: str) -> None:
    """Where the plugin enforces no NetworkPolicy, the API still accepts one that denies all, and nothing changes."""
    if "network-policy" in testbed.cni.variant.features:
        pytest.skip(f"{testbed.cni} enforces NetworkPolicy")
    policy = manifest.of(NAMESPACES[0], "deny-all", {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]})
    testbed.kube.apply([policy])
    try:
        expect.facts["said"] = f"{testbed.cni} enforces no NetworkPolicy: a policy that denies all changes nothing"
        expect.flows(
            [to_pod(one.key, other, "tcp", PORTS[0], family) for one, other in testbed.pairs(same_node=False)]
        )
    finally:
        testbed.kube.delete(policy)


@requirement("K07")
@needs(NODE_COMMANDS)
@disturbs
def test_new_flows_ask_for_no_neighbours(testbed: Testbed, expect: Expect) -> None:
    """During twenty fresh flows to a peer a node sends no more ARP on the underlay than there are nodes."""
    if len(testbed.nodes) < 2 or "ipv4" not in testbed.topology.families:
        pytest.skip("the cluster has nothing of the kind: too few nodes, or no IPv4")
    client, server = testbed.pods_on(testbed.nodes[0])[0], testbed.pods_on(testbed.nodes[1])[0]
    if not is_pod(server.ip("ipv4")):
        pytest.skip(f"pods of {testbed.cni} are hosts of the underlay and ask for each other there")
    with Captures(testbed, "K07") as captures:
        testbed.probers[client.key].probe([Target("tcp", server.ip("ipv4"), PORTS[0])], rounds=FLOWS)
    asked = sum(
        packet["count"]
        for node, packet in captures.packets
        if node == client.node and packet["direction"] == "out" and packet["headers"][0]["protocol"] == "arp"
    )
    expect.facts["requests"] = asked
    require(asked <= len(testbed.nodes), f"{asked} ARP packets left {client.node} during {FLOWS} flows")
