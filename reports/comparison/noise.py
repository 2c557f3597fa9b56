"""The rules that separate differences from noise, and the sentences that state them on the page.

The constants are measured: between runs of one build on an idle machine of two processors, outages differ by up to
0.05 s, windows by up to 0.6 s, medians of transfers by up to 26 %, and single figures by up to 52 %.  Those of paths
are chosen like these and not measured: that rounds do not overlap is the stricter rule.
"""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

from reports import performance_fact

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reports.performance_fact import Figure

SHARE = 0.25  # of the larger value: measured times and medians that differ by less are equal
OUTAGE = 0.5  # seconds: continuous flows send every 0.05 s, and a timer of a busy machine is late by some of these
WINDOW = 1.0  # seconds: a probe that is not answered waits so long
REPAIR = 1.5  # seconds: detecting a repair takes a matrix, and some of its probes wait a second
SINGLE = 1.6  # factor between figures that a run measures once
LATE = 0.1  # share of a run's processor time that other programs took; figures of such a run are not compared
PATH = 0.25  # of the larger value: medians of a figure of a path that differ by less are equal
PATHS = {performance_fact.TRIP_P99: 0.5, performance_fact.CPU: 0.4}  # of figures that scatter more
QUARTERS = 4


def times_differ(first: float, second: float, resolution: float) -> bool:
    """Return whether two times differ by more than the resolution of their measurement and by more than SHARE.

    Args:
        first: seconds.
        second: seconds.
        resolution: seconds.
    """
    difference = abs(first - second)
    return difference > resolution and difference > SHARE * max(first, second)


def figures_differ(first: Sequence[float], second: Sequence[float]) -> bool:
    """Return whether two figures differ, each measured once or several times.

    Two lists differ if their medians do by more than SHARE and the middle halves of their values do not overlap.
    """
    low, high = sorted((statistics.median(first), statistics.median(second)))
    if min(len(first), len(second)) == 1:
        return high > SINGLE * low
    (one_low, one_high), (other_low, other_high) = _middle(first), _middle(second)
    return high - low > SHARE * high and (one_high < other_low or other_high < one_low)


def paths_differ(first: Sequence[float], second: Sequence[float], figure: Figure) -> bool:
    """Return whether figures of a path differ, each measured in several rounds.

    They differ if their medians do by more than the figure's share and their confidence intervals do not overlap, or,
    where there are too few rounds for one, the values from the smallest to the largest.
    """
    low, high = sorted((statistics.median(first), statistics.median(second)))
    (one_low, one_high), (other_low, other_high) = (
        performance_fact.interval(values) or (min(values), max(values)) for values in (first, second)
    )
    return high - low > PATHS.get(figure, PATH) * high and (one_high < other_low or other_high < one_low)


def _middle(values: Sequence[float]) -> tuple[float, float]:
    """Return the limits of the middle half of some values."""
    lower, _, upper = statistics.quantiles(values, n=QUARTERS, method="inclusive")
    return lower, upper


def sentences() -> Iterator[str]:
    """Yield the rules as sentences."""
    yield (
        f"Outages, windows and repairs differ if they are more than {SHARE:.0%} apart, and more than the resolution "
        f"of the measurement: {OUTAGE:g} s for outages, {WINDOW:g} s for windows, {REPAIR:g} s for repairs."
    )
    yield (
        "A plugin that reconciles from time to time repairs a fault at any time within its period. Repairs for which "
        "recovery.yaml states the same time differ only if they are further apart than this time."
    )
    yield (
        "Where traffic or state is not repaired without intervention, the time that passes depends on when netproof "
        "intervenes. Such times are not compared; the time from the intervention to the repair is."
    )
    yield (
        f"Figures that a run measures several times differ if their medians are more than {SHARE:.0%} apart and the "
        f"middle halves of the values do not overlap; figures that it measures once, if one is more than {SINGLE:g} "
        "times the other."
    )
    p99, cpu = PATHS[performance_fact.TRIP_P99], PATHS[performance_fact.CPU]
    yield (
        "Figures of paths are compared by their ratios to a bare veth pair. They differ if the medians are more than "
        f"{PATH:.0%} apart ({p99:.0%} for p99, {cpu:.0%} for CPU) and the rounds do not overlap: their confidence "
        "intervals or, of fewer than six rounds, their values."
    )
    yield (
        f"Figures of a run are not compared if other programs took more than {LATE:.0%} of the processor time of its "
        "machine. Compare figures of runs on one machine only."
    )
    yield (
        "Verdicts, settings and versions differ if they are not equal; so do digests of programs that the user gave. "
        "Seeds and durations are not compared."
    )
