"""Traffic policies: allowed endpoints, and the client's source address: D27, D28, S01."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from fixtures.clusters.protocol import EXTERNAL_HOST
from fixtures.probes.pods import PORTS
from fixtures.testbed.services import PATIENCE
from fixtures.testbed.testbed import OUTSIDE
from policies.families import Family
from policies.flow import DENIED, Flow, Target
from suites.support.marks import needs, requirement

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fixtures.testbed.services import Services
    from suites.support.expect import Expect

pytestmark = needs("services")


def to_local(services: Services, source: str, via: str, family: str, **expected: frozenset[str]) -> Iterator[Flow]:
    """Flows to a node's port of the Service with externalTrafficPolicy Local, which its endpoint has to answer."""
    address = services.testbed.hosts[via].ip(family)
    expected.setdefault("identities", frozenset({services.endpoint.key}))
    for protocol in ("tcp", "udp"):
        target = Target(protocol, address, services.node_port("local", protocol))
        yield Flow(source, f"{via}:local", target, server_port=PORTS[0], **expected)  # type: ignore[arg-type]


@requirement("D27")
@needs(EXTERNAL_HOST)
def test_external_traffic_policy_local_keeps_the_clients_address(
    expect: Expect, services: Services, family: str
) -> None:
    """An endpoint sees an external client's own address if the client connects to the endpoint's node."""
    outside = services.testbed.topology.outside_ip(Family(family))
    flows = to_local(services, OUTSIDE, services.home, family, sources=frozenset({outside}))
    expect.flows(list(flows), patience=PATIENCE)


@requirement("D28")
@needs(EXTERNAL_HOST)
def test_external_traffic_policy_local_refuses_nodes_without_endpoint(
    expect: Expect, services: Services, family: str
) -> None:
    """A node without endpoint drops external clients, while its own pods reach the same port on it."""
    testbed = services.testbed
    others = [node for node in testbed.nodes if node != services.home]
    flows = []
    for via in others:
        refused = to_local(services, OUTSIDE, via, family)
        flows += [replace(flow, outcome=DENIED, server=services.endpoint.key) for flow in refused]
        flows += to_local(services, testbed.pods_on(via)[-1].key, via, family)
    expect.flows(flows, patience=PATIENCE)


@requirement("S01")
def test_internal_traffic_policy_local_uses_the_clients_node_only(
    expect: Expect, services: Services, family: str
) -> None:
    """A ClusterIP with internalTrafficPolicy Local answers clients on its endpoint's node and no others."""
    testbed = services.testbed
    address = services.cluster_ip("inside", family)
    expect.flows(
        [
            Flow(
                testbed.pods_on(node)[-1].key,
                "inside",
                Target(protocol, address, PORTS[0]),
                outcome="connected" if node == services.home else DENIED,
                identities=frozenset({services.endpoint.key}),
                server=services.endpoint.key,
            )
            for node in testbed.nodes
            for protocol in ("tcp", "udp")
        ],
        patience=PATIENCE,
    )
