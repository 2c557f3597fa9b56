"""Policies and packets that are not plain: errors, fragments, extension headers, neighbours, Services, node ports."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fixtures.clusters.protocol import EXTERNAL_HOST
from fixtures.probes.pods import PORTS, PodPlan
from fixtures.testbed import services
from fixtures.testbed.testbed import OUTSIDE
from policies.families import Family, of_family
from policies.flow import CONNECTED, DENIED, Flow, Target
from reports.outcome import Inconclusive
from suites.support.expect import require
from suites.support.marks import disturbs, needs, requirement
from suites.support.policies import (
    NAMESPACE,
    PATIENCE,
    allow_ingress_from,
    denied,
    enforced,
    named,
    only,
    pods_on_two_nodes,
    policy,
    probe_pod,
    reaching,
    with_probers,
)

if TYPE_CHECKING:
    from fixtures.kube.client import Object
    from fixtures.probes.pods import ProbePod
    from fixtures.testbed.testbed import Testbed
    from suites.support.expect import Expect

NOBODY = 79  # a port that no probe listens on
LARGE = 3000  # bytes of an IP packet: two or more fragments on every MTU that clusters have
BOTH = ["Ingress", "Egress"]


def between(client: ProbePod, server: ProbePod) -> list[Object]:
    """Policies that leave two pods nothing but connections of one to the other."""
    to = {**only({"app": client.name}), "policyTypes": BOTH, "egress": [{"to": [only({"app": server.name})]}]}
    since = {**only({"app": server.name}), "policyTypes": BOTH, "ingress": [{"from": [only({"app": client.name})]}]}
    return [policy("between-client", to), policy("between-server", since)]


@requirement("N06")
@needs("network-policy")
@disturbs
def test_errors_of_allowed_flows_come_back(testbed: Testbed, expect: Expect, family: Family) -> None:
    """Who may send to a pod hears that nobody listens there, although nothing else may come in."""
    client, server = pods_on_two_nodes(testbed)
    prober, target = testbed.probers[client.key], Target("udp", server.ip(family), NOBODY)

    def look() -> list[str]:
        outcome = prober.probe([target])[0][0].outcome
        return [] if outcome == "refused" else [f"{client.key} → {target}: expected refused, observed {outcome}"]

    expect.flows([reaching(client, server, family)], patience=PATIENCE)
    if without := look():
        raise Inconclusive(f"without policy: {without[0]}")
    with enforced(testbed, *between(client, server)):
        expect.flows([denied(server, client, family), reaching(client, server, family)], patience=PATIENCE)
        with expect.answering([reaching(client, server, family)]):
            expect.nothing_soon(look, "errors that answer an allowed flow are lost")


def ports_of(server: ProbePod, protocol: str) -> Object:
    """A policy that admits everybody to one port of a pod."""
    spec = {**only({"app": server.name}), "policyTypes": ["Ingress"]}
    return policy("one-port", {**spec, "ingress": [{"ports": [{"protocol": protocol, "port": PORTS[0]}]}]})


@requirement("N07")
@needs("network-policy")
@disturbs
def test_fragments_are_judged_like_their_datagram(testbed: Testbed, expect: Expect, family: Family) -> None:
    """A datagram larger than the MTU gets through where its port is open, and nowhere else."""
    client, server = pods_on_two_nodes(testbed)
    prober = testbed.probers[client.key]
    flows = [Target("udp", server.ip(family), port) for port in PORTS[:2]]
    expect.flows([reaching(client, server, family, "udp", port) for port in PORTS[:2]], patience=PATIENCE)

    def outcomes() -> list[str]:
        return [prober.sizes(target, [LARGE], fragment=True)[0] for target in flows]

    if (without := outcomes()) != [CONNECTED, CONNECTED]:
        raise Inconclusive(f"without policy datagrams of {LARGE} bytes: {without}")

    def look() -> list[str]:
        wanted, closed = outcomes()
        lost = [f"{client.key} → {flows[0]}: {LARGE} bytes to an open port: {wanted}"] if wanted != CONNECTED else []
        through = [f"{client.key} → {flows[1]}: {LARGE} bytes got through"] if closed == CONNECTED else []
        return lost + through

    with enforced(testbed, ports_of(server, "UDP")):
        small = [reaching(client, server, family, "udp"), denied(client, server, family, "udp", PORTS[1])]
        expect.flows(small, patience=PATIENCE)
        with expect.answering(small):
            expect.nothing_soon(look, "fragments are not judged like their datagram")


@requirement("N08")
@needs("network-policy")
@disturbs
def test_extension_headers_hide_no_port(testbed: Testbed, expect: Expect, family: Family) -> None:
    """A datagram behind an extension header of IPv6 gets through where its port is open, and nowhere else."""
    if family is not Family.IPV6:
        pytest.skip("IPv4 has no extension headers")
    client, server = pods_on_two_nodes(testbed)
    prober = testbed.probers[client.key]
    flows = [Target("udp", server.ip(family), port) for port in PORTS[:2]]
    expect.flows([reaching(client, server, family, "udp", port) for port in PORTS[:2]], patience=PATIENCE)
    if (without := [prober.crafted(target, options=True) for target in flows]) != [CONNECTED, CONNECTED]:
        raise Inconclusive(f"without policy datagrams behind destination options: {without}")
    with enforced(testbed, ports_of(server, "UDP")):
        small = [reaching(client, server, family, "udp"), denied(client, server, family, "udp", PORTS[1])]
        expect.flows(small, patience=PATIENCE)
        with expect.answering(small):
            wanted, closed = (prober.crafted(target, options=True) for target in flows)
    expect.facts |= {"open port": wanted, "closed port": closed}
    require(wanted == CONNECTED, f"behind destination options {flows[0]} gave {wanted}")
    require(closed != CONNECTED, f"behind destination options the closed {flows[1]} was reached")


@requirement("N09")
@needs("network-policy")
@disturbs
def test_neighbours_are_found_however_closed(testbed: Testbed, expect: Expect, family: Family) -> None:
    """A new pod that may open one connection only finds the pod of its node that it is for."""
    server = testbed.pods_on(testbed.nodes[0])[0]
    plan = PodPlan(NAMESPACE, named("new"), server.node)
    target = {"to": [only({"app": server.name})], "ports": [{"protocol": "TCP", "port": PORTS[0]}]}
    spec = {**only({"app": plan.name}), "policyTypes": BOTH, "egress": [target]}
    opened = policy("new-server", allow_ingress_from(server, only({"app": plan.name})))
    with (
        enforced(testbed, policy("new-client", spec), opened),
        probe_pod(testbed, plan) as pod,
        with_probers(testbed, pod) as probers,
    ):
        flows = [reaching(pod, server, family), denied(pod, server, family, "udp")]
        expect.flows(flows, probers=probers, patience=PATIENCE)


@requirement("N10")
@needs("network-policy", "services")
@disturbs
def test_a_service_that_comes_later_is_judged_by_its_pods(testbed: Testbed, expect: Expect, family: Family) -> None:
    """A Service made after the policies leads to the pods that may be reached."""
    client, server = pods_on_two_nodes(testbed)
    name, chosen = named("later"), {"app": server.name}
    to = {**only({"app": client.name}), "policyTypes": ["Egress"], "egress": [{"to": [only(chosen)]}]}
    with enforced(testbed, policy("before-service", to)):
        expect.flows([denied(client, testbed.pods_on(server.node)[0], family)], patience=PATIENCE)
        with services.temporary(testbed, name, chosen, type="ClusterIP") as made:
            target = Target("tcp", of_family(made["spec"]["clusterIPs"], family), PORTS[0])
            expect.flows([Flow(client.key, f"Service {name}", target, server=server.key)], patience=PATIENCE)


@requirement("P57")
@needs("network-policy", "services", EXTERNAL_HOST)
@disturbs
def test_a_node_port_is_no_back_door(testbed: Testbed, expect: Expect, family: Family) -> None:
    """A client outside does not reach a closed pod by a node's port, whichever node's address it takes."""
    _, server = pods_on_two_nodes(testbed)
    name = named("door")
    with services.temporary(testbed, name, {"app": server.name}) as made:
        port = next(int(row["nodePort"]) for row in made["spec"]["ports"] if row["protocol"] == "TCP")

        def flows(outcome: str) -> list[Flow]:
            return [
                Flow(OUTSIDE, f"{name} by {node}", target, outcome=outcome, server=server.key, server_port=PORTS[0])
                for node, host in testbed.hosts.items()
                for target in [Target("tcp", host.ip(family), port)]
            ]

        expect.flows(flows(CONNECTED), patience=PATIENCE)
        with enforced(testbed, policy("door", allow_ingress_from(server))):
            expect.flows(flows(DENIED), patience=PATIENCE)
