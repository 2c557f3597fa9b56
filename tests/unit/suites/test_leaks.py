"""D41: what counts as a packet with a pod's address that leaves the cluster."""

from __future__ import annotations

import pytest

from fixtures.probes.results import CapturedPackets, Header
from suites.egress.test_outside import leaks

OUTSIDE = "203.0.113.10"


@pytest.mark.parametrize(
    ("count", "resets", "to", "leaked"),
    [(1, 0, OUTSIDE, True), (3, 2, OUTSIDE, True), (2, 2, OUTSIDE, False), (1, 0, "192.0.2.1", False)],
)
def test_a_reset_after_the_end_of_a_connection_is_no_leak(count: int, resets: int, to: str, *, leaked: bool) -> None:
    """Conntrack calls it invalid, and no kernel translates it; one other packet of the same flow is a leak."""
    packet = CapturedPackets("out", count, 60, 0, resets, (Header("10.244.1.5", to, "tcp", 44048, 80),))
    assert list(leaks([("node1", packet)], OUTSIDE)) == ([("node1", packet)] if leaked else [])
