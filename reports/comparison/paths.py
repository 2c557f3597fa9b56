"""Figures of paths that differ: their ratios to a bare veth pair, or the figures themselves if no side has a pair."""

from __future__ import annotations

import statistics
from itertools import combinations
from typing import TYPE_CHECKING

from reports import performance_fact
from reports.comparison import noise
from reports.comparison.difference import Matters, Row, Section, by_factor, ratio
from reports.performance_fact import FIGURES
from reports.report.texts import plural

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reports.comparison.sides import Case, Side
    from reports.performance_fact import Figure, FigureFact

NONE = "–"
TWICE = 2.0
LEAST = 1e-3  # a ratio that counts as nothing


def of(sides: Sequence[Side], labels: Sequence[str]) -> Section:
    """Return the figures of paths that differ, the largest ratio first.

    Args:
        sides: the sides.
        labels: a short name of each.
    """
    rows, compared = [], 0
    for name in dict.fromkeys(name for side in sides for name, case in side.cases.items() if _figures(case)):
        cases = [side.cases.get(name) for side in sides]
        for figure in FIGURES:
            found = [_figures(case).get(figure.key) if case else None for case in cases]
            values = _comparable(found)
            known = [each for each in values if each]
            compared += len(known) > 1
            if any(noise.paths_differ(first, second, figure) for first, second in combinations(known, 2)):
                rows.append(_row(next(case for case in cases if case and _figures(case)), figure, found, values))
    rows.sort(key=lambda row: -row.weight)
    same = [f"{compared - len(rows)} of {plural(compared, 'figure')} of paths do not differ."] if compared else []
    return Section("paths", "Speed of paths", tuple(rows), (*same, *_late(sides, labels)))


def _figures(case: Case) -> Mapping[str, FigureFact]:
    """Return the figures of a case; none if other programs kept its machine busy."""
    fact = case.facts.get(performance_fact.FACT, {})
    is_known = fact.get("version") == performance_fact.VERSION and performance_fact.late(case.row) <= noise.LATE
    return fact["figures"] if is_known else {}


def _comparable(found: Sequence[FigureFact | None]) -> list[Sequence[float]]:
    """Return the ratios of each side, or the values if no side has ratios; () for a side that has none."""
    has_ratios = any(each and "ratios" in each for each in found)
    return [() if each is None else each.get("ratios", ()) if has_ratios else each["values"] for each in found]


def _row(case: Case, figure: Figure, found: Sequence[FigureFact | None], values: Sequence[Sequence[float]]) -> Row:
    medians = [statistics.median(each) for each in values if each]
    factor = ratio(medians, LEAST)
    change = by_factor(medians, factor)
    fact = case.facts[performance_fact.FACT]
    what = f"{figure.name}, {fact['path']}, {performance_fact.FAMILIES[fact['family']]}"
    matters = Matters.TWICE if factor >= TWICE else Matters.LITTLE
    return Row(case.id, what, tuple(_cell(each, figure) for each in found), change, factor, matters)


def _cell(found: FigureFact | None, figure: Figure) -> str:
    if found is None:
        return NONE
    value = performance_fact.shown(found["value"], figure)
    return f"× {performance_fact.times(found['ratio'])} ({value})" if "ratio" in found else value


def _late(sides: Sequence[Side], labels: Sequence[str]) -> Iterator[str]:
    """Yield a sentence about each side whose machine was too busy."""
    for side, label in zip(sides, labels, strict=True):
        measured = [case for case in side.cases.values() if performance_fact.FACT in case.facts]
        late = max((performance_fact.late(case.row) for case in measured), default=0.0)
        if late > noise.LATE:
            taken = f"Other programs took up to {late:.0%} of the processor time while paths of {label} were measured"
            yield f"{taken}: those figures are left out."
