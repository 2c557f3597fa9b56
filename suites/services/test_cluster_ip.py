"""Services by their cluster address: D20 to D23."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from fixtures.probes.pods import PORTS
from fixtures.testbed.services import PATIENCE
from policies.flow import Flow, Target
from suites.support.expect import require
from suites.support.marks import needs, requirement

if TYPE_CHECKING:
    from fixtures.testbed.services import Services
    from fixtures.testbed.testbed import Testbed
    from suites.support.expect import Expect

pytestmark = needs("services")
CONNECTIONS = 100  # per endpoint: five standard deviations are then at most half a share, however many there are


def through_service(services: Services, family: str, *, same_node: bool) -> list[Flow]:
    """Flows from every other pod to each one-endpoint Service, by where its endpoint runs."""
    flows = []
    for node, server in services.single.items():
        for client in services.testbed.pods.values():
            if client.key == server.key or (client.node == node) != same_node:
                continue
            for protocol in ("tcp", "udp"):
                target = Target(protocol, services.cluster_ip(f"one-{node}", family), PORTS[0])
                sources = frozenset({client.ip(family)})
                flows.append(
                    Flow(client.key, f"one-{node}", target, identities=frozenset({server.key}), sources=sources)
                )
    return flows


@requirement("D20")
def test_a_service_reaches_an_endpoint_on_another_node(expect: Expect, services: Services, family: str) -> None:
    """Pods reach endpoints on other nodes by ClusterIP, and the endpoint sees the pod's own address."""
    expect.flows(through_service(services, family, same_node=False), patience=PATIENCE)


@requirement("D21")
def test_a_service_reaches_an_endpoint_on_the_clients_node(expect: Expect, services: Services, family: str) -> None:
    """Pods reach endpoints on their own node by ClusterIP, and the endpoint sees the pod's own address."""
    expect.flows(through_service(services, family, same_node=True), patience=PATIENCE)


@requirement("D22")
@needs("hairpin")
def test_a_pod_reaches_itself_through_its_service(expect: Expect, services: Services, family: str) -> None:
    """A pod that is the only endpoint of a Service reaches itself by the ClusterIP."""
    flows = [
        Flow(
            server.key,
            f"one-{node}",
            Target(protocol, services.cluster_ip(f"one-{node}", family), PORTS[0]),
            identities=frozenset({server.key}),
        )
        for node, server in services.single.items()
        for protocol in ("tcp", "udp")
    ]
    expect.flows(flows, patience=PATIENCE)


@requirement("D23")
def test_every_endpoint_gets_its_share(testbed: Testbed, expect: Expect, services: Services, family: str) -> None:
    """Of the connections from each node every endpoint gets its share, within five standard deviations."""
    endpoints = frozenset(pod.key for pod in services.many)
    target = Target("tcp", services.cluster_ip("many", family), PORTS[0])
    clients = [testbed.pods_on(node)[-1] for node in testbed.nodes]
    flows = [Flow(client.key, "many", target, identities=endpoints) for client in clients]
    expect.flows(flows, patience=PATIENCE)
    rounds = CONNECTIONS * len(endpoints)
    share = rounds / len(endpoints)
    tolerance = 5 * math.sqrt(rounds * (1 / len(endpoints)) * (1 - 1 / len(endpoints)))
    with expect.answering(flows):
        for client in clients:
            seen = testbed.probers[client.key].probe([target], rounds=rounds)[0]
            counts = dict.fromkeys(sorted(endpoints), 0)
            for row in seen:
                if row.identity in counts:
                    counts[row.identity] += row.count
            expect.facts[f"share from {client.key}"] = counts | {"lost": rounds - sum(counts.values())}
            off = {name: count for name, count in counts.items() if abs(count - share) > tolerance}
            require(not off, f"from {client.key}: expected {share:.0f} ± {tolerance:.0f} each, found {counts}")
