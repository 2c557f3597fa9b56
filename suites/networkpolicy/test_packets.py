"""Policies and special packets: ICMP errors, fragments, extension headers, ARP and ND, Services, node ports."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fixtures.clusters.protocol import EXTERNAL_HOST
from fixtures.probes.pods import PORTS, PodPlan
from fixtures.testbed import services
from fixtures.testbed.testbed import OUTSIDE
from policies.families import Family, of_family
from policies.flow import CONNECTED, DENIED, Flow, Target
from suites.support.marks import isolates, needs, requirement
from suites.support.policies import (
    LOST,
    NAMESPACE,
    PATIENCE,
    allow_ingress_from,
    allowed,
    denied,
    enforced,
    pod_selector,
    pods_on_two_nodes,
    policy,
    probe_pod,
    unique_name,
    with_probers,
)

if TYPE_CHECKING:
    from fixtures.kube.client import Object
    from fixtures.probes.pods import ProbePod
    from fixtures.testbed.testbed import Testbed
    from suites.support.expect import Expect

CLOSED_PORT = 79  # no probe listens on it
LARGE = 3000  # bytes of an IP packet: two or more fragments on every MTU that clusters have
BOTH = ["Ingress", "Egress"]


def between(client: ProbePod, server: ProbePod) -> list[Object]:
    """Policies that allow two pods only connections of one to the other."""
    to = {
        **pod_selector({"app": client.name}),
        "policyTypes": BOTH,
        "egress": [{"to": [pod_selector({"app": server.name})]}],
    }
    from_ = {
        **pod_selector({"app": server.name}),
        "policyTypes": BOTH,
        "ingress": [{"from": [pod_selector({"app": client.name})]}],
    }
    return [policy("between-client", to), policy("between-server", from_)]


@requirement("N06")
@needs("network-policy")
@isolates
def test_errors_of_allowed_flows_come_back(testbed: Testbed, expect: Expect, family: Family) -> None:
    """The port unreachable error for an allowed flow arrives at a client that is otherwise isolated."""
    client, server = pods_on_two_nodes(testbed)
    prober, target = testbed.probers[client.key], Target("udp", server.ip(family), CLOSED_PORT)

    def errors() -> list[str]:
        outcome = prober.probe([target])[0][0].outcome
        return [] if outcome == "refused" else [f"{client.key} → {target}: expected refused, observed {outcome}"]

    expect.flows([allowed(client, server, family)], patience=PATIENCE)
    expect.control(errors, "without policy")
    with enforced(testbed, *between(client, server)):
        expect.flows([denied(server, client, family), allowed(client, server, family)], patience=PATIENCE)
        with expect.answering([allowed(client, server, family)]):
            expect.nothing_soon(errors, "errors that answer an allowed flow are lost")


def ports_of(server: ProbePod, protocol: str) -> Object:
    """A policy that allows all ingress to one port of a pod."""
    spec = {**pod_selector({"app": server.name}), "policyTypes": ["Ingress"]}
    return policy("one-port", {**spec, "ingress": [{"ports": [{"protocol": protocol, "port": PORTS[0]}]}]})


def lost(targets: list[Target], outcomes: list[str]) -> list[str]:
    """The targets that were not reached, with their outcomes."""
    return [f"{to}: {outcome}" for to, outcome in zip(targets, outcomes, strict=True) if outcome != CONNECTED]


def one_is_open(targets: list[Target], outcomes: list[str], what: str) -> list[str]:
    """What is wrong with these outcomes if the first target is an open port and the second a closed one."""
    (opened, closed), (to_open, to_closed) = outcomes, targets
    missing = [f"{what} to the open port {to_open}: {opened}"] if opened != CONNECTED else []
    return missing + ([f"{what} got through to the closed port {to_closed}"] if closed == CONNECTED else [])


@requirement("N07")
@needs("network-policy")
@isolates
def test_fragments_are_judged_like_their_datagram(testbed: Testbed, expect: Expect, family: Family) -> None:
    """A datagram larger than the MTU reaches an allowed port, and no other port."""
    client, server = pods_on_two_nodes(testbed)
    prober = testbed.probers[client.key]
    flows = [Target("udp", server.ip(family), port) for port in PORTS[:2]]
    expect.flows([allowed(client, server, family, "udp", port) for port in PORTS[:2]], patience=PATIENCE)

    def outcomes() -> list[str]:
        return [prober.sizes(target, [LARGE], timeout=LOST, fragment=True)[0] for target in flows]

    def errors() -> list[str]:
        return one_is_open(flows, outcomes(), f"{LARGE} bytes")

    expect.control(lambda: lost(flows, outcomes()), f"without policy datagrams of {LARGE} bytes")

    with enforced(testbed, ports_of(server, "UDP")):
        small = [allowed(client, server, family, "udp"), denied(client, server, family, "udp", PORTS[1])]
        expect.flows(small, patience=PATIENCE)
        with expect.answering(small):
            expect.nothing_soon(errors, "fragments are not judged like their datagram")


@requirement("N08")
@needs("network-policy")
@isolates
def test_extension_headers_hide_no_port(testbed: Testbed, expect: Expect, family: Family) -> None:
    """A datagram behind an IPv6 extension header reaches an allowed port, and no other port."""
    if family is not Family.IPV6:
        pytest.skip("IPv4 has no extension headers")
    client, server = pods_on_two_nodes(testbed)
    prober = testbed.probers[client.key]
    flows = [Target("udp", server.ip(family), port) for port in PORTS[:2]]
    expect.flows([allowed(client, server, family, "udp", port) for port in PORTS[:2]], patience=PATIENCE)

    def outcomes() -> list[str]:
        return [prober.crafted(target, options=True) for target in flows]

    def errors() -> list[str]:
        return one_is_open(flows, outcomes(), "a datagram behind destination options")

    expect.control(lambda: lost(flows, outcomes()), "without policy datagrams behind destination options")
    with enforced(testbed, ports_of(server, "UDP")):
        small = [allowed(client, server, family, "udp"), denied(client, server, family, "udp", PORTS[1])]
        expect.flows(small, patience=PATIENCE)
        with expect.answering(small):
            expect.nothing_soon(errors, "datagrams behind destination options are not judged by their port")


@requirement("N09")
@needs("network-policy")
@isolates
def test_neighbours_are_found_however_closed(testbed: Testbed, expect: Expect, family: Family) -> None:
    """A new pod with one allowed flow, to a pod on its node, resolves that pod's address."""
    server = testbed.pods_on(testbed.nodes[0])[0]
    plan = PodPlan(NAMESPACE, unique_name("new"), server.node)
    target = {"to": [pod_selector({"app": server.name})], "ports": [{"protocol": "TCP", "port": PORTS[0]}]}
    spec = {**pod_selector({"app": plan.name}), "policyTypes": BOTH, "egress": [target]}
    admits = policy("new-server", allow_ingress_from(server, pod_selector({"app": plan.name})))
    with (
        enforced(testbed, policy("new-client", spec), admits),
        probe_pod(testbed, plan) as pod,
        with_probers(testbed, pod) as probers,
    ):
        flows = [allowed(pod, server, family), denied(pod, server, family, "udp")]
        expect.flows(flows, probers=probers, patience=PATIENCE)


@requirement("N10")
@needs("network-policy", "services")
@isolates
def test_a_service_that_comes_later_is_judged_by_its_pods(testbed: Testbed, expect: Expect, family: Family) -> None:
    """A Service that is created after the policies reaches the pods that they allow."""
    client, server = pods_on_two_nodes(testbed)
    name, selector = unique_name("later"), {"app": server.name}
    to = {
        **pod_selector({"app": client.name}),
        "policyTypes": ["Egress"],
        "egress": [{"to": [pod_selector(selector)]}],
    }
    with enforced(testbed, policy("before-service", to)):
        expect.flows([denied(client, testbed.pods_on(server.node)[0], family)], patience=PATIENCE)
        with services.temporary(testbed, name, selector, type="ClusterIP") as service:
            target = Target("tcp", of_family(service["spec"]["clusterIPs"], family), PORTS[0])
            expect.flows([Flow(client.key, f"Service {name}", target, server=server.key)], patience=PATIENCE)


@requirement("P57")
@needs("network-policy", "services", EXTERNAL_HOST)
@isolates
def test_a_node_port_is_no_back_door(testbed: Testbed, expect: Expect, family: Family) -> None:
    """An external client does not reach an isolated pod through its NodePort, on any node's address."""
    _, server = pods_on_two_nodes(testbed)
    name = unique_name("door")
    with services.temporary(testbed, name, {"app": server.name}) as service:
        port = next(int(row["nodePort"]) for row in service["spec"]["ports"] if row["protocol"] == "TCP")

        def flows(outcome: str) -> list[Flow]:
            return [
                Flow(OUTSIDE, f"{name} by {node}", target, outcome=outcome, server=server.key, server_port=PORTS[0])
                for node, host in testbed.hosts.items()
                for target in [Target("tcp", host.ip(family), port)]
            ]

        expect.flows(flows(CONNECTED), patience=PATIENCE)
        with enforced(testbed, policy("door", allow_ingress_from(server))):
            expect.flows(flows(DENIED), patience=PATIENCE)
