"""N01: seconds until a pod with a reused address answers, by continuous flows."""

from __future__ import annotations

import time
from contextlib import nullcontext

import pytest

from fixtures.probes.results import ContinuousFlow
from reports.outcome import Refuted
from suites.datapath.test_reused_addresses import REQUIRED, answered_within


def flow(first: float | None) -> ContinuousFlow:
    """A continuous flow with its first answer after so many seconds."""
    return ContinuousFlow("x/a", "udp", "10.0.0.2", 80, 0.1, 60, 10, 0, first, (), 0.1)


@pytest.mark.parametrize(
    ("firsts", "refuted"), [((0.0, 4.9), False), ((0.1, 5.1), True), ((None, 0.1), True), ((0.1, None), True)]
)
def test_every_flow_has_to_be_answered_in_time(firsts: tuple[float | None, ...], *, refuted: bool) -> None:
    """One flow that is answered late, or never, refutes the requirement whatever the others are."""
    begun = time.monotonic() - REQUIRED - 0.3
    with pytest.raises(Refuted, match="5 s are allowed") if refuted else nullcontext():
        answered_within([flow(first) for first in firsts], REQUIRED, begun)
