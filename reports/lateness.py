"""Where a late machine may be the reason for what a case saw, the case is inconclusive.

Fixtures measure how late the machine was and reports ask them, by the hook pytest_netproof_lateness; its answer is
{seconds, lost_seconds, worst_timer_seconds, explains, words}, or None where nothing is worth a word.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from reports.outcome import TooLate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pytest

    Answer = dict[str, Any] | None
    Ask = Callable[[float, float], Answer]

FACT = "lateness"  # of a record and of a run
SAID = 0.05  # share of a run from which on the summary speaks of it
MEASURED = ("seconds", "lost_seconds", "worst_timer_seconds")


@contextmanager
def excused(ask: Ask) -> Iterator[None]:
    """Turn what a late machine may have caused into TooLate.

    That is an exception with an attribute `during`: two times of the monotonic clock between which something did not
    come in time.  Whatever has none is not explained by time, and goes through.
    """
    __tracebackhide__ = True
    try:
        yield
    except Exception as error:
        during = getattr(error, "during", None)
        answer = ask(*during) if during else None
        if answer is None or not answer["explains"]:
            raise
        raise TooLate(f"the machine was too late to tell: {answer['words']}.\nSeen was: {error}") from error


def facts(ask: Ask, call: pytest.CallInfo[None]) -> dict[str, Any]:
    """The facts of a phase of a case; empty where nothing is worth a word."""
    monotonic = time.monotonic() - time.time()
    answer = ask(call.start + monotonic, call.stop + monotonic)
    if answer is None:
        return {}
    too_late = call.excinfo is not None and call.excinfo.errisinstance(TooLate)
    return {FACT: {name: answer[name] for name in MEASURED} | {"inconclusive": too_late}}


def of_run(config: pytest.Config, begun: float) -> dict[str, Any]:
    """The facts of a run that began at a monotonic time and ends now; empty where nothing is worth a word."""
    answer = config.hook.pytest_netproof_lateness(config=config, begun=begun, ended=time.monotonic())
    return {FACT: {name: answer[name] for name in MEASURED}} if answer else {}


def sentence(document: dict[str, Any]) -> str:
    """What the terminal's summary says of a run on a late machine; "" for nothing."""
    cases = [case for row in document["requirements"] for case in row["cases"]]
    undecided = {case["case"] for case in cases if case["facts"].get(FACT, {}).get("inconclusive")}
    run = document.get(FACT)
    share = run["lost_seconds"] / run["seconds"] if run and run["seconds"] else 0.0
    if not undecided and share < SAID:
        return ""
    said = f"the machine was late: its processors were not to be had for {share:.0%} of the run"
    return f"{said}; cases that are inconclusive for that: {len(undecided)}." if undecided else f"{said}."
