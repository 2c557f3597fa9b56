"""The type of the fact `performance`, which cases about the speed of a path add to verdict.json, and its statistics.

Each round measures a bare veth pair and then the path.  A ratio is the path's figure divided by that of the pair in
the same round, so that 1.00 is as fast as a bare veth pair, on whatever machine.
"""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

from reports import stored
from reports.lateness import FACT as LATENESS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

FACT = "performance"  # its name, in records and in verdict.json
VERSION = 1
BASE = "bare veth pair"
FAMILIES = {"ipv4": "IPv4", "ipv6": "IPv6"}  # family → its name for readers
CONFIDENCE = 0.95
DIGITS, SHOWN = 4, 3  # significant digits that are stored, and that readers see
SMALL = 0.1  # ratios below it have more than two decimals
MEASURED = ("passed", "failed")  # verdicts of cases whose figures count


class PathName(StrEnum):
    """The paths, in the order of reports."""

    SAME_NODE = "same node"
    OTHER_NODE = "other node"
    CLUSTER_IP = "ClusterIP"  # with the endpoint on another node
    OUTSIDE = "outside"


@dataclass(frozen=True)
class Figure:
    """A figure of a path.

    Attributes:
        key: its name in verdict.json, including the unit.
        name: its name for readers.
        unit: of its value.
        rises: whether a larger value is better.
    """

    key: str
    name: str
    unit: str
    rises: bool


THROUGHPUT = Figure("throughput_gbit_per_s", "Throughput", "Gbit/s", rises=True)
CONNECTIONS = Figure("connections_per_s", "New connections", "/s", rises=True)
ROUND_TRIPS = Figure("round_trips_per_s", "Round trips", "/s", rises=True)
TRIP_P50 = Figure("round_trip_p50_us", "Round trip p50", "µs", rises=False)
TRIP_P99 = Figure("round_trip_p99_us", "Round trip p99", "µs", rises=False)
CPU = Figure("cpu_s_per_gb", "CPU per GB", "s", rises=False)
FIGURES = (THROUGHPUT, CONNECTIONS, ROUND_TRIPS, TRIP_P50, TRIP_P99, CPU)


class FigureFact(TypedDict):
    """A figure of a path.

    Attributes:
        value: the median of the rounds, in the unit of its name.
        values: of each round.
        base: the median of the bare veth pair.
        ratio: the median of the ratios of the rounds.
        ratios: of each round.
        interval: limits between which the median of all possible rounds lies with a confidence of 95 %; missing if
            there are too few rounds.
        ratio_interval: the same of the ratio.
    """

    value: float
    values: list[float]
    base: NotRequired[float]
    ratio: NotRequired[float]
    ratios: NotRequired[list[float]]
    interval: NotRequired[tuple[float, float]]
    ratio_interval: NotRequired[tuple[float, float]]


class PerformanceFact(TypedDict):
    """How fast a path is.

    Attributes:
        version: VERSION of this format.
        path: a PathName.
        family: ipv4 or ipv6.
        client: `namespace/name` of the pod that sends.
        server: `namespace/name` of the pod that answers, or a host's name.
        rounds: how often it was measured.
        figures: by the key of the figure; one that cannot be measured is missing.
        without_base: why there is no bare veth pair; "" if there is one.
    """

    version: int
    path: str
    family: str
    client: str
    server: str
    rounds: int
    figures: dict[str, FigureFact]
    without_base: str


@dataclass(frozen=True)
class Measured:
    """A path that a run measured.

    Attributes:
        id: id of the requirement whose case measured it.
        fact: its figures.
        late: the share of processor time that other programs took meanwhile; 0 if it was negligible.
    """

    id: str
    fact: PerformanceFact
    late: float


def figures(rounds: Sequence[Mapping[str, float]], base: Sequence[Mapping[str, float]]) -> dict[str, FigureFact]:
    """Return the figures of a path.

    Args:
        rounds: of the path, the value of each figure by its key.
        base: the same of the bare veth pair, in the same order; () without one.
    """
    found: dict[str, FigureFact] = {}
    for key in (figure.key for figure in FIGURES):
        if all(key in each for each in rounds):
            found[key] = _figure([each[key] for each in rounds], [each[key] for each in base if each.get(key)])
    return found


def _figure(values: Sequence[float], base: Sequence[float]) -> FigureFact:
    fact = FigureFact(value=_rounded(statistics.median(values)), values=[_rounded(value) for value in values])
    if limits := interval(values):
        fact["interval"] = limits
    if len(base) == len(values):
        ratios = [value / other for value, other in zip(values, base, strict=True)]
        fact["base"] = _rounded(statistics.median(base))
        fact["ratio"] = _rounded(statistics.median(ratios))
        fact["ratios"] = [_rounded(ratio) for ratio in ratios]
        if limits := interval(ratios):
            fact["ratio_interval"] = limits
    return fact


def interval(values: Sequence[float]) -> tuple[float, float] | None:
    """Return a confidence interval of the median; None if there are too few values for CONFIDENCE.

    Its limits are two of the values, chosen by the binomial distribution: half of all values are below the median,
    whatever their distribution is.
    """
    ordered, number = sorted(values), len(values)
    tail, rank = 0.5**number, 0  # the probability that at most `rank` values are below the median
    if 2 * tail > 1 - CONFIDENCE:
        return None
    while 2 * (more := tail + math.comb(number, rank + 1) * 0.5**number) <= 1 - CONFIDENCE:
        tail, rank = more, rank + 1
    return _rounded(ordered[rank]), _rounded(ordered[-1 - rank])


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")


def of_run(document: Mapping[str, Any]) -> list[Measured]:
    """Return the paths that a verdict.json has figures of, by family and in the order of PathName."""
    found = [
        Measured(identity, case["facts"][FACT], late(case))
        for identity, case in stored.cases(document)
        if case["verdict"] in MEASURED and case["facts"].get(FACT, {}).get("version") == VERSION
    ]
    order = {str(path): number for number, path in enumerate(PathName)}
    return sorted(found, key=lambda one: (one.fact["family"], order.get(one.fact["path"], len(order))))


def late(case: Mapping[str, Any]) -> float:
    """Return the share of processor time that other programs took during a case; 0 if it was negligible."""
    measured = case["facts"].get(LATENESS)
    return measured["lost_seconds"] / measured["seconds"] if measured and measured["seconds"] else 0.0


def bases(measured: Iterable[Measured], figure: Figure) -> float | None:
    """Return the median over paths of the bare veth pair's figure; None if there was no pair."""
    found = [one.fact["figures"][figure.key] for one in measured if figure.key in one.fact["figures"]]
    known = [each["base"] for each in found if "base" in each]
    return statistics.median(known) if known else None


def shown(value: float, figure: Figure) -> str:
    """Return a value for readers: three digits, and its unit."""
    return f"{number(value)} {figure.unit}".replace(" /", "/")


def number(value: float) -> str:
    """Return a number with three significant digits, all digits of larger ones, and commas between thousands."""
    if not value:
        return "0"
    return f"{value:,.{max(0, SHOWN - 1 - math.floor(math.log10(value)))}f}"


def times(ratio: float) -> str:
    """Return a ratio for readers: two decimals, or two digits of a smaller one."""
    return f"{ratio:.2f}" if ratio >= SMALL else f"{ratio:.2g}"


def line(document: Mapping[str, Any]) -> str:
    """Return a line for the terminal: throughput and round trip of each path; "" if none was measured."""
    measured = of_run(document)
    if not measured:
        return ""
    both = len({one.fact["family"] for one in measured}) > 1
    parts = [_part(one, with_family=both) for one in measured]
    found = [(bases(measured, figure), figure) for figure in (THROUGHPUT, TRIP_P50)]
    base = [shown(value, figure) for value, figure in found if value is not None]
    of = f", of a {BASE} ({', '.join(base)})" if base else ""
    worst = max(one.late for one in measured)
    busy = f"; other programs took up to {worst:.0%} of the processor time meanwhile" if worst else ""
    return f"speed (throughput, round trip{of}): {'; '.join(parts)}{busy}"


def _part(one: Measured, *, with_family: bool) -> str:
    name = one.fact["path"] + (f" {FAMILIES[one.fact['family']]}" if with_family else "")
    found = [(figure, one.fact["figures"][figure.key]) for figure in (THROUGHPUT, TRIP_P50)]
    cells = [f"× {times(row['ratio'])}" if "ratio" in row else shown(row["value"], figure) for figure, row in found]
    return f"{name} {', '.join(cells)}"


def text(fact: PerformanceFact) -> str:
    """Return the figures of a path as a table of text."""
    where = f"{fact['path']}, {FAMILIES[fact['family']]}: {fact['client']} → {fact['server']}"
    lines = [f"{where}, medians of {fact['rounds']} rounds"]
    for figure in FIGURES:
        if found := fact["figures"].get(figure.key):
            cells = [f"{figure.name:16}", f"{shown(found['value'], figure):>14}"]
            if "base" in found:
                cells.append(f"{BASE}: {shown(found['base'], figure):>14}, ratio {times(found['ratio'])}")
            has_ratio = "ratio" in found
            if limits := found.get("ratio_interval") if has_ratio else found.get("interval"):
                cells.append("({} to {})".format(*map(times if has_ratio else number, limits)))
            lines.append("  ".join(cells))
    if fact["without_base"]:
        lines.append(f"no {BASE}: {fact['without_base']}")
    return "\n".join(lines)
