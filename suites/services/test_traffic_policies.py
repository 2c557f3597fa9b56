"""Traffic policies: allowed endpoints, and the client's source address: D27, D28, S01."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from fixtures.clusters.protocol import EXTERNAL_HOST
from fixtures.probes import judging
from fixtures.probes.pods import PORTS
from fixtures.testbed.services import PATIENCE
from fixtures.testbed.testbed import OUTSIDE
from policies.families import Family
from policies.flow import DENIED, Flow, Target
from suites.support.expect import SERVERS, Expect
from suites.support.marks import needs, requirement

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fixtures.testbed.services import Services

pytestmark = needs("services")


def to_local(services: Services, source: str, via: str, family: str, **expected: frozenset[str]) -> Iterator[Flow]:
    """Flows to a node's port of the Service with externalTrafficPolicy Local, which its endpoint has to answer."""
    address = services.testbed.hosts[via].ip(family)
    expected.setdefault("identities", frozenset({services.endpoint.key}))
    for protocol in ("tcp", "udp"):
        target = Target(protocol, address, services.node_port("local", protocol))
        yield Flow(source, f"{via}:local", target, server_port=PORTS[0], **expected)  # type: ignore[arg-type]


def from_outside(services: Services, family: str) -> list[Flow]:
    """Flows of D27: external clients to the node of the endpoint."""
    outside = services.testbed.topology.outside_ip(Family(family))
    return list(to_local(services, OUTSIDE, services.home, family, sources=frozenset({outside})))


def without_endpoint(services: Services, family: str) -> list[Flow]:
    """Flows of D28: external clients to nodes without endpoint, and pods of these nodes to the same ports."""
    testbed = services.testbed
    flows = []
    for via in testbed.nodes:
        if via != services.home:
            refused = to_local(services, OUTSIDE, via, family)
            flows += [replace(flow, outcome=DENIED, server=services.endpoint.key) for flow in refused]
            flows += to_local(services, testbed.pods_on(via)[-1].key, via, family)
    return flows


def to_inside(services: Services, family: str) -> list[Flow]:
    """Flows of S01: pods of every node to the ClusterIP with internalTrafficPolicy Local."""
    testbed = services.testbed
    address = services.cluster_ip("inside", family)
    return [
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
    ]


class Sent:
    """The flows of all cases here, for a family; sent together, as each case waits for flows that nobody answers."""

    def __init__(self, services: Services, family: str) -> None:
        self.flows = to_inside(services, family)
        if EXTERNAL_HOST in services.testbed.offered:
            self.flows += from_outside(services, family) + without_endpoint(services, family)
        batch = judging.Batch(services.testbed.probers, self.flows)
        self.judged = judging.settle(batch, patience=PATIENCE, servers=SERVERS)


@pytest.fixture(scope="session")
def sent(services: Services) -> Callable[[str], Sent]:
    """The flows that were sent, by family."""
    return functools.cache(lambda family: Sent(services, family))


def judge(flows: list[Flow], sent: Sent, expect: Expect) -> None:
    """Judge the flows of one case."""
    __tracebackhide__ = True
    expect.settled(flows, sent.judged.of(flows, sent.flows))


@requirement("D27")
@needs(EXTERNAL_HOST)
def test_external_traffic_policy_local_keeps_the_clients_address(
    expect: Expect, services: Services, family: str, sent: Callable[[str], Sent]
) -> None:
    """An endpoint sees an external client's own address if the client connects to the endpoint's node."""
    judge(from_outside(services, family), sent(family), expect)


@requirement("D28")
@needs(EXTERNAL_HOST)
def test_external_traffic_policy_local_refuses_nodes_without_endpoint(
    expect: Expect, services: Services, family: str, sent: Callable[[str], Sent]
) -> None:
    """A node without endpoint drops external clients, while its own pods reach the same port on it."""
    judge(without_endpoint(services, family), sent(family), expect)


@requirement("S01")
def test_internal_traffic_policy_local_uses_the_clients_node_only(
    expect: Expect, services: Services, family: str, sent: Callable[[str], Sent]
) -> None:
    """A ClusterIP with internalTrafficPolicy Local answers clients on its endpoint's node and no others."""
    judge(to_inside(services, family), sent(family), expect)
