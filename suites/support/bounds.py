"""Requirements with a bound in seconds, on machines that may be late.

Within the bound a requirement holds.  Beyond it by more than the machine lost meanwhile, it does not.  Between the two
the result is inconclusive.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from fixtures import lateness
from fixtures.probes.results import Gap
from fixtures.processors import PERIOD
from reports.outcome import Refuted, TooLate

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fixtures.lateness import Lateness
    from fixtures.probes.results import ContinuousFlow


def about(during: tuple[float, float]) -> Lateness:
    """How late the machine was in a window, with a reading of its processors before and after it."""
    return lateness.RECORD.window(during[0] - PERIOD, during[1] + PERIOD)


def within(measured: float, bound: float, what: str, during: tuple[float, float]) -> None:
    """Hold a requirement to its bound.

    Args:
        measured: seconds.
        bound: seconds that the requirement allows.
        what: the subject of the message.
        during: the monotonic times between which it was measured.

    Raises:
        TooLate: it is beyond the bound by no more than the machine lost.
        Refuted: it is beyond that, too.
    """
    __tracebackhide__ = True
    if measured <= bound:
        return
    late = about(during)
    figures = f"{what} took {measured:.2f} s; {bound:g} s are allowed"
    if measured <= bound + late.lost:
        raise TooLate(f"{figures}, and the machine was too late to tell: {late}")
    lost = "" if late.negligible else f", and {late.lost:.2f} s were lost to a late machine"
    raise Refuted(figures + lost)


def unanswered(flows: Iterable[ContinuousFlow], bound: float) -> None:
    """Hold continuous flows to the longest time without an answer that a requirement allows.

    Args:
        flows: their results.
        bound: seconds.

    Raises:
        Refuted: a flow had no answer for longer, or a machine that was late does not explain it.
        TooLate: one had, and the machine may have been the reason.
    """
    __tracebackhide__ = True
    wall = time.monotonic() - time.time()
    undecided: list[TooLate] = []
    for flow in flows:
        what = f"{flow}: its longest time without an answer"
        gap = max(flow.gaps, key=lambda each: each.seconds, default=Gap(time.time(), 0.0))
        begun = gap.begin + wall
        try:
            within(flow.longest, bound, what, (begun, begun + gap.seconds))
        except TooLate as error:
            undecided.append(error)
    if undecided:
        raise undecided[0]
