"""Addresses that are not the cluster's own, and how soon the first connection is made: D26, D29."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from fixtures.clusters.protocol import EXTERNAL_HOST
from fixtures.cnis.node_state import Finding
from fixtures.probes.pods import PORTS
from fixtures.testbed.services import BALANCER, EXTERNAL, PATIENCE
from fixtures.testbed.testbed import OUTSIDE
from policies.families import Family
from policies.flow import CONNECTED, Flow, Target
from suites.support.marks import disturbs, needs, requirement

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fixtures.testbed.services import Services
    from suites.support.expect import Expect

pytestmark = needs("services")
SOON = 1.0  # seconds until a first connection has to be made: the requirement, and the time of a lost SYN
AGAIN = 20  # connections per target, each with a port of its own


def to_external(services: Services, sources: Iterable[str], family: str) -> list[Flow]:
    """Flows to the external address and to the load balancer's."""
    topology = services.testbed.topology
    known = Family(family)
    return [
        Flow(
            source,
            name,
            Target(protocol, topology.external_ip(number, known), PORTS[0]),
            identities=frozenset({services.endpoint.key}),
        )
        for source in sources
        for name, number in (("external", EXTERNAL), ("balancer", BALANCER))
        for protocol in ("tcp", "udp")
    ]


@requirement("D29")
def test_pods_reach_external_and_load_balancer_addresses(expect: Expect, services: Services, family: str) -> None:
    """A pod on every node reaches a Service by its external address and by its load balancer's."""
    testbed = services.testbed
    clients = [testbed.pods_on(node)[-1].key for node in testbed.nodes]
    expect.flows(to_external(services, clients, family), patience=PATIENCE)


@requirement("D29")
@needs(EXTERNAL_HOST)
def test_the_outside_reaches_external_and_load_balancer_addresses(
    expect: Expect, services: Services, family: str
) -> None:
    """An external host reaches both addresses through the node they are routed to."""
    expect.flows(to_external(services, [OUTSIDE], family), patience=PATIENCE)


@requirement("D26")
@needs("node-to-pod")
@disturbs  # other cases would be its load
def test_first_connections_are_made_at_once(expect: Expect, services: Services, family: str) -> None:
    """Every connection of pods and nodes to a ClusterIP or NodePort is made within a second, at the first try."""
    testbed = services.testbed
    node = services.home
    targets = [
        Target("tcp", services.cluster_ip(f"one-{node}", family), PORTS[0]),
        *(Target("tcp", h.ip(family), services.node_port(f"one-{node}", "tcp")) for h in testbed.hosts.values()),
    ]
    clients = [testbed.pods_on(name)[0].key for name in testbed.nodes] + [h.key for h in testbed.hosts.values()]
    server = services.single[node].key
    flows = [
        Flow(c, f"one-{node}", target, server=server, server_port=PORTS[0]) for c in clients for target in targets
    ]
    expect.flows(flows, patience=PATIENCE)

    def slow(client: str) -> list[Finding]:
        rows = []
        for _ in range(AGAIN):  # one after the other: how much fits at once is D17's question
            seen = testbed.probers[client].probe(targets, timeout=SOON)
            rows += [(target, row) for target, found in zip(targets, seen, strict=True) for row in found]
        expect.facts[f"slowest from {client}"] = f"{max(row.worst_ms for _, row in rows):.0f} ms"
        wanted = f"{CONNECTED} within {SOON:g} s"
        return [Finding(client, str(t), wanted, str(row)) for t, row in rows if row.outcome != CONNECTED]

    begun = time.monotonic()
    with expect.answering(flows), ThreadPoolExecutor(len(clients)) as pool:
        findings = [f for found in pool.map(slow, clients) for f in found]
        expect.nothing(findings, "connections are slow or lost", (begun, time.monotonic()))
