"""Verdicts, their order, and the exit codes of runs."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable


class Verdict(StrEnum):
    """The verdict on a case, a requirement or a run, from best to worst; the worst one decides."""

    PASSED = "passed"
    UNDEFINED = "undefined"  # the specification leaves it open
    UNSUPPORTED = "unsupported"  # not declared by the plugin, or not offered by the cluster
    INCONCLUSIVE = "inconclusive"  # a control failed: nothing can be said about the plugin
    ERROR = "error"  # a fault of netproof or of the machine
    FAILED = "failed"


ORDER = list(Verdict)
DECIDED = (Verdict.PASSED, Verdict.FAILED)  # whether a plugin meets a requirement
EXIT_CODES = {
    Verdict.PASSED: 0,
    Verdict.UNDEFINED: 0,
    Verdict.UNSUPPORTED: 0,
    Verdict.FAILED: 1,
    Verdict.INCONCLUSIVE: 2,
    Verdict.ERROR: 3,
}
# The sentence about a run with this verdict.
CLOSING = {
    Verdict.PASSED: "{cni} is certified: every MUST requirement that could be checked holds.",
    Verdict.UNDEFINED: "Nothing was decided about {cni}.",
    Verdict.UNSUPPORTED: "Nothing was decided about {cni}.",
    Verdict.INCONCLUSIVE: "{cni} is inconclusive: no MUST requirement could be tested, or a control of one failed.",
    Verdict.FAILED: "{cni} is not certified: a MUST requirement does not hold.",
    Verdict.ERROR: "Nothing was decided about {cni}: netproof or the machine failed.",
}
NO_CASES = 2  # exit code of a run without a case


class Inconclusive(Exception):  # noqa: N818 - a verdict, named like the others
    """A control failed, so the plugin cannot be judged; the message names the control."""


class TooLate(Inconclusive):
    """A late machine may explain the observation; the message states the observation and the lateness."""


class Refuted(AssertionError):  # noqa: N818 - a verdict, named like the others
    """The cluster does not do what a requirement demands; the only exception that fails a requirement.

    A bare AssertionError is a broken assumption of netproof's own code, so it makes a case an error.

    Args:
        message: the observation.
        during: begin and end of the observation on the monotonic clock, if a late machine could have caused it; the
            case is then inconclusive if the machine was late. None for observations that do not depend on time.
    """

    def __init__(self, message: str, during: tuple[float, float] | None = None) -> None:
        super().__init__(message)
        self.during = during


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the worst verdict; passed if there are none."""
    return max(verdicts, key=ORDER.index, default=Verdict.PASSED)


def worst_first(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return rows of verdict.json sorted by verdict, the worst first, then by id."""
    return sorted(rows, key=lambda row: (-ORDER.index(Verdict(row["verdict"])), row["id"]))


def of_requirement(cases: Iterable[Verdict]) -> Verdict:
    """Return the verdict of a requirement; unsupported and undefined cases count only if all its cases are."""
    verdicts = list(cases)
    decided = [verdict for verdict in verdicts if verdict not in {Verdict.UNSUPPORTED, Verdict.UNDEFINED}]
    return worst(decided or verdicts)


def of_run(by_level: Iterable[tuple[str, Verdict]]) -> Verdict:
    """A run's verdict: every MUST decides, and an error at any level; inconclusive if no MUST could be tested."""
    decisive = [verdict for level, verdict in by_level if level == "MUST" or verdict is Verdict.ERROR]
    decided = [verdict for verdict in decisive if verdict not in {Verdict.UNSUPPORTED, Verdict.UNDEFINED}]
    return worst(decided) if decided else Verdict.INCONCLUSIVE
