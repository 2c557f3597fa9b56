"""Services by a port of every node: D25."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fixtures.clusters.protocol import EXTERNAL_HOST
from fixtures.probes.pods import PORTS
from fixtures.testbed.services import PATIENCE
from fixtures.testbed.testbed import OUTSIDE, Testbed
from policies.flow import Flow, Target
from suites.support.marks import needs, requirement

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fixtures.testbed.services import Services
    from suites.support.expect import Expect

pytestmark = needs("services")


def to_node_ports(services: Services, sources: Iterable[str], family: str) -> list[Flow]:
    """Flows from the sources to the node port of each Service on every node."""
    testbed = services.testbed
    return [
        Flow(
            source,
            f"{via}:one-{node}",
            Target(protocol, testbed.hosts[via].ip(family), services.node_port(f"one-{node}", protocol)),
            identities=frozenset({server.key}),
            server_port=PORTS[0],
        )
        for source in sources
        for via in testbed.nodes
        for node, server in services.single.items()
        for protocol in ("tcp", "udp")
    ]


@requirement("D25")
def test_pods_reach_node_ports(testbed: Testbed, expect: Expect, services: Services, family: str) -> None:
    """A pod on each node reaches every node's port, whichever node runs the endpoint."""
    clients = [testbed.pods_on(node)[-1].key for node in testbed.nodes]
    expect.flows(to_node_ports(services, clients, family), patience=PATIENCE)


@requirement("D25")
def test_nodes_reach_node_ports(testbed: Testbed, expect: Expect, services: Services, family: str) -> None:
    """Every node reaches its own and every other node's port."""
    hosts = [host.key for host in testbed.hosts.values()]
    expect.flows(to_node_ports(services, hosts, family), patience=PATIENCE)


@requirement("D25")
@needs(EXTERNAL_HOST)
def test_the_outside_reaches_node_ports(expect: Expect, services: Services, family: str) -> None:
    """A host outside the cluster reaches the port on every node, whichever node runs the endpoint."""
    expect.flows(to_node_ports(services, [OUTSIDE], family), patience=PATIENCE)
