"""D41: what counts as a packet with a pod's address that leaves the cluster."""

from __future__ import annotations

import pytest

from fixtures.probes.results import CapturedPackets, Header
from suites.egress.test_outside import leaks

OUTSIDE = "203.0.113.10"


def packets(direction: str, source: str, destination: str, count: int = 1, resets: int = 0) -> CapturedPackets:
    """Packets of one TCP connection in one direction."""
    return CapturedPackets(direction, count, 60, 0, resets, (Header(source, destination, "tcp", 44048, 80),))


@pytest.mark.parametrize(
    ("count", "resets", "to", "leaked"),
    [(1, 0, OUTSIDE, True), (3, 2, OUTSIDE, True), (2, 2, OUTSIDE, False), (1, 0, "192.0.2.1", False)],
)
def test_a_reset_after_the_end_of_a_connection_is_no_leak(count: int, resets: int, to: str, *, leaked: bool) -> None:
    """Conntrack calls it invalid, and no kernel translates it; one other packet of the same flow is a leak."""
    packet = packets("out", "10.244.1.5", to, count, resets)
    assert list(leaks([("node1", packet)], OUTSIDE)) == ([("node1", packet)] if leaked else [])


def test_a_packet_to_a_pods_address_has_not_left_the_cluster() -> None:
    """What the outside sends to a pod, late or routed to it, is no leak of the pods."""
    assert not list(leaks([("node1", packets("in", OUTSIDE, "10.244.1.5"))], OUTSIDE))
