"""Pods reach pods: D01 to D06."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fixtures.probes.flows import to_pod
from fixtures.probes.pods import PORTS
from suites.support.marks import requirement

if TYPE_CHECKING:
    from fixtures.testbed.testbed import Testbed
    from policies.flow import Flow
    from suites.support.expect import Expect


@requirement("D01")
@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_pods_on_one_node_reach_each_other(testbed: Testbed, expect: Expect, family: str, protocol: str) -> None:
    """Every pod reaches every other pod of its node, on every port."""
    expect.flows(
        [
            to_pod(client.key, server, protocol, port, family)
            for client, server in testbed.pairs(same_node=True)
            for port in PORTS
        ]
    )


def across_nodes(testbed: Testbed, protocol: str, family: str) -> list[Flow]:
    """Flows between every ordered pair of pods on different nodes, on every port."""
    return [
        to_pod(client.key, server, protocol, port, family)
        for client, server in testbed.pairs(same_node=False)
        for port in PORTS
    ]


@requirement("D02")
def test_pods_on_different_nodes_connect_over_tcp(testbed: Testbed, expect: Expect, family: str) -> None:
    """Every pod connects to every pod of other nodes over TCP."""
    expect.flows(across_nodes(testbed, "tcp", family))


@requirement("D03")
def test_pods_on_different_nodes_exchange_udp(testbed: Testbed, expect: Expect, family: str) -> None:
    """Every pod exchanges datagrams with every pod of other nodes."""
    expect.flows(across_nodes(testbed, "udp", family))


@requirement("D03")
def test_pods_on_different_nodes_connect_over_sctp(testbed: Testbed, expect: Expect, family: str) -> None:
    """Every pod connects to every pod of other nodes over SCTP, where the kernel has it."""
    flows = across_nodes(testbed, "sctp", family)
    if flows and testbed.probers[flows[0].source].probe([flows[0].target])[0][0].outcome == "unsupported":
        pytest.skip("the kernel has no SCTP")
    expect.flows(flows)


@requirement("D04")
def test_pods_answer_ping(testbed: Testbed, expect: Expect, family: str) -> None:
    """Every pod answers the ping of every other pod; an extra signal, never a substitute for connections."""
    expect.flows(
        [
            to_pod(client.key, server, "icmp", 0, family)
            for same_node in (True, False)
            for client, server in testbed.pairs(same_node=same_node)
        ]
    )


@requirement("D05")
def test_every_ordered_pair_of_nodes_carries_traffic(testbed: Testbed, expect: Expect, family: str) -> None:
    """The first pod of each node reaches the first pod of each other node, in both directions."""
    first = [testbed.pods_on(node)[0] for node in testbed.nodes]
    expect.flows(
        [
            to_pod(client.key, server, protocol, PORTS[0], family)
            for client in first
            for server in first
            for protocol in ("tcp", "udp")
            if client.node != server.node
        ]
    )


@requirement("D06")
def test_the_right_pod_answers_and_sees_the_clients_address(testbed: Testbed, expect: Expect, family: str) -> None:
    """The pod with the destination address answers, and sees the client pod's own address."""
    expect.flows(
        [
            to_pod(client.key, server, protocol, PORTS[0], family, sources=frozenset({client.ip(family)}))
            for same_node in (True, False)
            for client, server in testbed.pairs(same_node=same_node)
            for protocol in ("tcp", "udp")
        ]
    )
