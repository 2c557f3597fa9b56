"""Measured times of the sides: outages, windows and repairs."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

from reports.comparison import noise
from reports.comparison.difference import PAIR, Matters, Row, Section, by_factor, ratio
from reports.report import motion
from reports.report.recovery import FLOWS, UNTIL_RIGHT, WINDOWS
from reports.report.texts import plural, seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from reports.comparison.sides import Case, Side

NONE = "–"
ENDLESS = 1e6  # the weight of a time that has no end against one that has
TWICE = 2.0
STATE = 0.5  # the weight of the state of nodes, if that of traffic is 1
# The beginnings of FaultFact's texts of recoveries, from best to worst: text → rank. Those of one rank are compared by
# their seconds; from INTERVENTION on, nothing recovers without somebody who intervenes.
REMEDIES = {
    "not affected": 0,
    "without intervention": 0,
    "after a restart of the agent": 1,
    "only when the fault is undone": 2,
    "did not recover": 3,
}
INTERVENTION, NEVER = 1, 3
INTERVENTIONS = ("agent restarted", "fault undone")  # marks of a fault's timeline


@dataclass(frozen=True)
class Time:
    """A measured time.

    Attributes:
        rank: times of different ranks differ, whatever their seconds are; a larger one is worse.
        seconds: the time; None if it depends on netproof alone.
        text: the time for readers.
        period: seconds within which it may be any time, as for an agent that reconciles from time to time.
    """

    rank: int
    seconds: float | None
    text: str
    period: float = 0.0


@dataclass(frozen=True)
class Series:
    """The times of one event on every side; None where a side has none.

    Attributes:
        id: id of the fault or the requirement.
        what: the event.
        times: a time for each side.
        resolution: of its measurement, in seconds.
        share: of its weight, 1 for traffic.
    """

    id: str
    what: str
    times: tuple[Time | None, ...]
    resolution: float
    share: float = 1.0

    @property
    def known(self) -> list[Time]:
        """The times that were measured."""
        return [time for time in self.times if time]

    def differs(self) -> bool:
        """Return whether two of the times differ by the rules of `noise`."""
        return any(_differ(first, second, self.resolution) for first, second in combinations(self.known, 2))

    def row(self, matters_most: Matters) -> Row:
        """Return its difference.

        Args:
            matters_most: how much it matters if nothing ends the time on one side only.
        """
        ranks = [time.rank for time in self.known]
        numbers = [time.seconds for time in self.known if time.seconds is not None]
        is_one_rank = len(numbers) > 1 and len({*ranks}) == 1
        factor = ratio(numbers, self.resolution / TWICE) if is_one_rank else 1.0
        endless = max(ranks) >= INTERVENTION > min(ranks)
        weight = ENDLESS * (max(ranks) - min(ranks)) + factor
        matters = matters_most if endless else Matters.TWICE if factor >= TWICE else Matters.LITTLE
        cells = tuple(time.text if time else NONE for time in self.times)
        return Row(self.id, self.what, cells, self._change(factor), weight * self.share, matters)

    def _change(self, factor: float) -> str:
        """Return the change from one known time to the other, or what differs between more than two."""
        ranks = [time.rank for time in self.known]
        if len({*ranks}) == 1:
            return by_factor([time.seconds or 0.0 for time in self.known], factor, "longer", "shorter")
        endless, worse = max(ranks) >= INTERVENTION > min(ranks), ranks[-1] > ranks[0]
        if len(ranks) > PAIR:
            return "not all end without intervention" if endless else "differ"
        if endless:
            return "no end without intervention" if worse else "ends without intervention"
        return "worse" if worse else "better"


def _differ(first: Time, second: Time, resolution: float) -> bool:
    if first.rank != second.rank:
        return True
    if first.seconds is None or second.seconds is None:
        return False
    period = first.period if first.period == second.period else 0.0
    return noise.times_differ(first.seconds, second.seconds, max(resolution, period))


def outages(sides: Sequence[Side]) -> Section:
    """Return how long traffic was interrupted by faults and replacements, and how long events took to be in effect."""
    series = [
        *_series(sides, noise.OUTAGE, _outage),
        *_series(sides, noise.OUTAGE, _longest_flow),
        *(_window(sides, name, event) for name, event in WINDOWS.items()),
        _policies(sides),
        *_changes(sides),
    ]
    return _section("outages", "Outages and windows", series, Matters.TWICE)


def repairs(sides: Sequence[Side]) -> Section:
    """Return when traffic and state were right again after each fault, and what made them so."""
    series = [
        *_series(sides, noise.REPAIR, lambda case: _repair(case, "traffic")),
        *_series(sides, noise.REPAIR, lambda case: _repair(case, "state"), STATE),
    ]
    return _section("repairs", "Repairs", series, Matters.NEVER_REPAIRED)


def _section(key: str, title: str, series: Sequence[Series], matters_most: Matters) -> Section:
    compared = [one for one in series if len(one.known) > 1]
    rows = [one.row(matters_most) for one in compared if one.differs()]
    rows.sort(key=lambda row: (-row.weight, row.id))
    same = []
    if compared:
        same.append(f"{len(compared) - len(rows)} of {plural(len(compared), 'time')} do not differ.")
    if alone := sum(len(one.known) == 1 for one in series):
        same.append(f"{plural(alone, 'time')} of one side only cannot be compared.")
    return Section(key, title, tuple(rows), tuple(same))


def _series(
    sides: Sequence[Side], resolution: float, read: Callable[[Case], tuple[str, Time] | None], share: float = 1.0
) -> Iterator[Series]:
    """Yield the times that cases have; `read` returns what a case measured and the time, or None."""
    for name in dict.fromkeys(name for side in sides for name in side.cases):
        cases = [side.cases.get(name) for side in sides]
        found = [read(case) if case else None for case in cases]
        if any(found):
            identity = next(case.id for case in cases if case)
            what = next(one[0] for one in found if one)
            yield Series(identity, what, tuple(one[1] if one else None for one in found), resolution, share)


def _outage(case: Case) -> tuple[str, Time] | None:
    fault = case.facts.get("fault")
    rank = rank_of(fault["traffic"]) if fault else None
    if fault is None or rank is None:
        return None
    gap = seconds(fault["longest_gap"])
    what = f"Longest time without an answer: {fault['sentence']}"
    if rank < INTERVENTION:
        return what, Time(0, fault["longest_gap"], gap, _period(fault, "traffic"))
    return what, Time(INTERVENTION, None, f"no end without intervention (ended after {gap})")


def _changes(sides: Sequence[Side]) -> Iterator[Series]:
    """Yield the medians of the windows of changes, by the kind of the change and its direction."""
    tables: list[dict[tuple[str, str, str], Mapping[str, Any]]] = []
    for side in sides:
        rows = ((name, row) for name, case in side.cases.items() for row in case.facts.get(motion.WINDOWS, ()))
        tables.append({(name, row["kind"], row["direction"]): row for name, row in rows})
    for key in dict.fromkeys(key for table in tables for key in table):
        windows = [table.get(key) for table in tables]
        identity = next(side.cases[key[0]].id for side in sides if key[0] in side.cases)
        times = tuple(Time(0, row["p50"] / 1000, f"{row['p50']} ms") if row else None for row in windows)
        resolution = sum(row["resolution"] for row in windows if row) / 1000  # of both sides
        yield Series(identity, f"Until a change takes effect, {motion.MEANING[key[2]]}: {key[1]}", times, resolution)


def _longest_flow(case: Case) -> tuple[str, Time] | None:
    if not (flows := case.facts.get(FLOWS)):
        return None
    longest = max(flow["longest"] for flow in flows)
    return f"Longest time without an answer: {case.row['title']}", Time(0, longest, seconds(longest))


def _repair(case: Case, part: str) -> tuple[str, Time] | None:
    fault = case.facts.get("fault")
    rank = rank_of(fault[part]) if fault else None
    if fault is None or rank is None:
        return None
    total, text = fault[f"{part}_seconds"], fault[part]
    what = f"{part.capitalize()} is repaired: {fault['sentence']}"
    if rank < INTERVENTION:
        text = f"without intervention, after {seconds(total)}" if total else text
        return what, Time(0, total, text, _period(fault, part))
    begun = [at for at, event in fault["marks"] if event in INTERVENTIONS and at <= total]
    if rank == NEVER or not begun:
        return what, Time(rank, None, "never" if rank == NEVER else f"never without intervention; {text}")
    after = total - begun[-1]
    return what, Time(rank, after, f"never without intervention; {text} ({seconds(after)})")


def _period(fault: Mapping[str, Any], part: str) -> float:
    """Return the seconds within which traffic or state is known to be repaired; 0 without such a time."""
    return float(fault.get("known_seconds", {}).get(part, 0.0))


def rank_of(recovery: str) -> int | None:
    """Return the rank of a recovery, as FaultFact describes it; None for a text of another version of netproof."""
    return next((rank for text, rank in REMEDIES.items() if recovery.startswith(text)), None)


def _window(sides: Sequence[Side], name: str, event: str) -> Series:
    cases = [next((case for case in side.cases.values() if name in case.facts), None) for side in sides]
    measured = tuple(Time(0, case.facts[name], seconds(case.facts[name])) if case else None for case in cases)
    identity = next((case.id for case in cases if case), "")
    return Series(identity, f"Until {event}", measured, noise.WINDOW)


def _policies(sides: Sequence[Side]) -> Series:
    """Return the medians of the times until changed policies or labels were in effect."""
    found = []
    for side in sides:
        values = [
            value
            for case in side.cases.values()
            if case.row["verdict"] == "passed"
            for value in case.facts.get(UNTIL_RIGHT, ())
        ]
        median = statistics.median(values) if values else None
        found.append(None if median is None else Time(0, median, f"{seconds(median)} (median of {len(values)})"))
    return Series("P", "Until changed policies or labels are in effect", tuple(found), noise.WINDOW)
