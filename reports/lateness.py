"""Make a case inconclusive if an overloaded machine may have caused its failure.

Fixtures measure how late the machine was. Reports query them through the hook pytest_netproof_lateness, which returns
{seconds, lost_seconds, worst_timer_seconds, explains, reason}, or None if the lateness is negligible: `explains` is
whether the lateness may explain a timeout, `reason` is a sentence about it for messages.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from reports.outcome import TooLate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pytest

    Lateness = dict[str, Any] | None
    Measure = Callable[[float, float], Lateness]  # from two times of the monotonic clock

FACT = "lateness"  # the name of the fact, in records and in verdict.json
REPORTED_SHARE = 0.05  # share of a run's time; the summary reports losses from this share on
MEASUREMENTS = ("seconds", "lost_seconds", "worst_timer_seconds")


@contextmanager
def inconclusive_if_late(measure: Measure) -> Iterator[None]:
    """Turn an exception into TooLate if the lateness of the machine may explain it.

    Only exceptions with an attribute `during` can be explained: two times of the monotonic clock between which an
    expected event did not occur. All others propagate unchanged.

    Raises:
        TooLate: the machine was so late between the two times that it may have caused the exception.
    """
    __tracebackhide__ = True
    try:
        yield
    except Exception as error:
        during = getattr(error, "during", None)
        late = measure(*during) if during else None
        if late is None or not late["explains"]:
            raise
        raise TooLate(f"the machine was too late to judge: {late['reason']}.\nObserved: {error}") from error


def facts(measure: Measure, call: pytest.CallInfo[None]) -> dict[str, Any]:
    """Return {"lateness": …} for a phase of a case, or {} if the lateness was negligible."""
    monotonic = time.monotonic() - time.time()
    late = measure(call.start + monotonic, call.stop + monotonic)
    if late is None:
        return {}
    too_late = call.excinfo is not None and call.excinfo.errisinstance(TooLate)
    return {FACT: {name: late[name] for name in MEASUREMENTS} | {"inconclusive": too_late}}


def of_run(config: pytest.Config, begun: float) -> dict[str, Any]:
    """Return {"lateness": …} for a run that began at a monotonic time and ends now, or {} if it was negligible."""
    late = config.hook.pytest_netproof_lateness(config=config, begun=begun, ended=time.monotonic())
    return {FACT: {name: late[name] for name in MEASUREMENTS}} if late else {}


def sentence(document: dict[str, Any]) -> str:
    """Return the line about a late machine for the terminal's summary; "" if the lateness had no effect."""
    cases = [case for row in document["requirements"] for case in row["cases"]]
    undecided = {case["case"] for case in cases if case["facts"].get(FACT, {}).get("inconclusive")}
    run = document.get(FACT)
    share = run["lost_seconds"] / run["seconds"] if run and run["seconds"] else 0.0
    if not undecided and share < REPORTED_SHARE:
        return ""
    text = f"the machine was late: other programs kept its processors busy for {share:.0%} of the run"
    return f"{text}; cases that are inconclusive because of it: {len(undecided)}." if undecided else f"{text}."
