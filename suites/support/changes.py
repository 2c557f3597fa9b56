"""The windows of changes as facts: how long until a change of policies or labels took effect, by its kind."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Any

from fixtures.probes.windows import Censored

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fixtures.probes.windows import Window
    from fixtures.workspaces.changing import Transition

FACT = "windows of changes"
ENOUGH = {50: 1, 95: 20, 99: 100}  # percentile → windows without which it says nothing more than the longest one


def figures(transitions: Sequence[Transition]) -> dict[str, Any]:
    """The facts about changes: their number, and the windows by kind of change and direction."""
    windows: dict[tuple[str, str], list[Window]] = {}
    for transition in transitions:
        for outcome in transition.outcomes:
            if outcome.window is not None:
                direction = "opens" if outcome.watched.after else "closes"
                windows.setdefault((transition.kind, direction), []).append(outcome.window)
    sent = sum(outcome.series.count for transition in transitions for outcome in transition.outcomes)
    return {
        "changes": len(transitions),
        "flows": sent,
        "start delay of flows, at most, seconds": round(max((each.late for each in transitions), default=0.0), 3),
        FACT: [row(kind, direction, some) for (kind, direction), some in sorted(windows.items())],
    }


def row(kind: str, direction: str, windows: Sequence[Window]) -> dict[str, Any]:
    """The windows of one kind of change, in milliseconds.

    Returns:
        kind, direction (opens: an allowed flow was refused; closes: a denied flow got through), number of windows,
        p50 to p99 (None with too few windows), the longest, each, resolution (the largest of any), and the numbers of
        windows that are bounds only.
    """
    lengths = sorted(window.seconds * 1000 for window in windows)
    return {
        "kind": kind,
        "direction": direction,
        "windows": len(windows),
        **{
            f"p{percent}": round(percentile(lengths, percent)) if len(lengths) >= least else None
            for percent, least in ENOUGH.items()
        },
        "longest": round(lengths[-1]),
        "each": [round(length) for length in lengths],
        "resolution": round(max(window.resolution for window in windows) * 1000),
        "too short to measure": sum(window.censored is Censored.LEFT for window in windows),
        "not over": sum(window.censored is Censored.RIGHT for window in windows),
    }


def percentile(values: Sequence[float], percent: int) -> float:
    """A percentile of sorted values, interpolated between two of them."""
    if len(values) == 1:
        return values[0]
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]
