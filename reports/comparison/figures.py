"""Figures of performance that differ."""

from __future__ import annotations

import statistics
from itertools import combinations
from typing import TYPE_CHECKING

from reports import runs
from reports.comparison import noise
from reports.comparison.difference import Matters, Row, Section, by_factor, ratio
from reports.report.texts import plural

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reports.comparison.sides import Case, Side

NONE = "–"
TWICE = 2.0


def of(sides: Sequence[Side], labels: Sequence[str]) -> Section:
    """Return the figures that differ, the largest ratio first.

    Args:
        sides: the sides.
        labels: a short name of each.
    """
    names = dict.fromkeys(name for side in sides for name in side.cases)
    rows, compared = [], 0
    for figure in runs.FIGURES:
        for name in names:
            values = [_values(side.cases.get(name), figure) for side in sides]
            known = [each for each in values if each]
            compared += len(known) > 1
            if any(noise.figures_differ(first, second) for first, second in combinations(known, 2)):
                rows.append(_row(figure, _title(sides, name), values))
    rows.sort(key=lambda row: -row.weight)
    same = [f"{compared - len(rows)} of {plural(compared, 'figure')} do not differ."] if compared else []
    return Section("figures", "Performance", tuple(rows), (*same, *_late(sides, labels)))


def _title(sides: Sequence[Side], name: str) -> str:
    return next(str(side.cases[name].row["title"]) for side in sides if name in side.cases)


def _values(case: Case | None, figure: runs.Figure) -> Sequence[float]:
    """Return the values that a case measured; () if it has none, or if other programs kept its machine busy."""
    if case is None or case.id != figure.requirement or case.late > noise.LATE:
        return ()
    value = case.facts.get(figure.fact)
    if value is None:
        return ()
    return value if isinstance(value, list) else [value]


def _row(figure: runs.Figure, title: str, values: Sequence[Sequence[float]]) -> Row:
    medians = [statistics.median(each) for each in values if each]
    factor = ratio(medians, 1e-9)
    change = by_factor(medians, factor)
    cells = tuple(f"{statistics.median(each):g}" if each else NONE for each in values)
    matters = Matters.TWICE if factor >= TWICE else Matters.LITTLE
    return Row(figure.requirement, f"{figure.fact}: {title}", cells, change, factor, matters)


def _late(sides: Sequence[Side], labels: Sequence[str]) -> Iterator[str]:
    """Yield a sentence about each side whose machine was too busy."""
    for side, label in zip(sides, labels, strict=True):
        measured = {figure.requirement for figure in runs.FIGURES}
        late = max((case.late for case in side.cases.values() if case.id in measured), default=0.0)
        if late > noise.LATE:
            yield f"Other programs took up to {late:.0%} of the processor time of {label}: these figures are left out."
