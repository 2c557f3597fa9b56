"""Verdicts, their order, and the exit code a run ends with."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class Verdict(StrEnum):
    """What a case, a requirement or a run came to; the worst one wins."""

    PASSED = "passed"
    UNDEFINED = "undefined"  # the specification leaves it open
    UNSUPPORTED = "unsupported"  # not declared by the plugin, or not offered by the cluster
    INCONCLUSIVE = "inconclusive"  # a control failed: nothing can be said about the plugin
    FAILED = "failed"
    ERROR = "error"  # our own fault


ORDER = list(Verdict)
EXIT_CODES = {
    Verdict.PASSED: 0,
    Verdict.UNDEFINED: 0,
    Verdict.UNSUPPORTED: 0,
    Verdict.FAILED: 1,
    Verdict.INCONCLUSIVE: 2,
    Verdict.ERROR: 3,
}
NOTHING_SHOWN = 2  # exit code of a run in which no case said anything


class Inconclusive(Exception):  # noqa: N818 - a verdict, named like the others
    """A control failed; the message says which."""


class TooLate(Inconclusive):
    """What was seen may have come of a machine that was late; the message says what, and how late."""


class Refuted(AssertionError):  # noqa: N818 - a verdict, named like the others
    """The cluster does not do what a requirement demands; the only exception that fails a requirement.

    A bare AssertionError is a broken assumption of netproof's own code, so it makes a case an error.

    Args:
        message: what was seen.
        during: where a machine that was late could have caused that, and only there: when it was looked at, between
            two times of the monotonic clock.  Then a late machine makes the case inconclusive.
    """

    def __init__(self, message: str, during: tuple[float, float] | None = None) -> None:
        super().__init__(message)
        self.during = during


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The worst of some verdicts; passed where there are none."""
    return max(verdicts, key=ORDER.index, default=Verdict.PASSED)


def of_requirement(cases: Iterable[Verdict]) -> Verdict:
    """A requirement's verdict from its cases: an unsupported case hides none that spoke."""
    verdicts = list(cases)
    spoke = [verdict for verdict in verdicts if verdict not in {Verdict.UNSUPPORTED, Verdict.UNDEFINED}]
    return worst(spoke or verdicts)


def of_run(by_level: Iterable[tuple[str, Verdict]]) -> Verdict:
    """A run's verdict: MUST decides about failure; an error of ours or a failed control counts anywhere."""
    decisive = [
        verdict for level, verdict in by_level if level == "MUST" or verdict in {Verdict.ERROR, Verdict.INCONCLUSIVE}
    ]
    spoke = [verdict for verdict in decisive if verdict not in {Verdict.UNSUPPORTED, Verdict.UNDEFINED}]
    return worst(spoke) if spoke else Verdict.INCONCLUSIVE
