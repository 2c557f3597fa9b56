"""How fast each path is, beside a bare veth pair."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reports import performance_fact
from reports.performance_fact import FIGURES, shown, times
from reports.report.texts import plural

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reports.performance_fact import Figure, FigureFact, Measured

NONE = "–"


@dataclass(frozen=True)
class Cell:
    """A figure of a path.

    Attributes:
        heading: the name of the figure.
        value: with its unit.
        note: its ratio to the bare veth pair; "" for none.
        limits: the interval of the ratio, or of the value without one; "" for none.
    """

    heading: str
    value: str
    note: str = ""
    limits: str = ""


@dataclass(frozen=True)
class Row:
    """A path.

    Attributes:
        id: id of the requirement; "" for the bare veth pair.
        name: its name and, in a cluster of both, its family.
        about: the client and the server; "" for the bare veth pair.
        cells: a cell for each figure.
        late: that the machine was busy meanwhile, as text; "" if it was not.
    """

    id: str
    name: str
    about: str
    cells: tuple[Cell, ...]
    late: str


@dataclass(frozen=True)
class Performance:
    """All paths.

    Attributes:
        rows: the bare veth pair if there was one, then the paths.
        headings: of the figures.
        rounds: how often each path was measured.
        has_base: whether there was a bare veth pair.
        has_intervals: whether there are intervals.
        reasons: why paths were not compared with a bare veth pair.
    """

    rows: tuple[Row, ...]
    headings: tuple[str, ...]
    rounds: str
    has_base: bool
    has_intervals: bool
    reasons: tuple[str, ...]


def of(document: Mapping[str, Any]) -> Performance | None:
    """Return the paths of a verdict.json; None if none was measured."""
    measured = performance_fact.of_run(document)
    if not measured:
        return None
    families = len({one.fact["family"] for one in measured}) > 1
    base = tuple(_base(measured))
    rows = (*base, *(_row(one, with_family=families) for one in measured))
    reasons = tuple(dict.fromkeys(one.fact["without_base"] for one in measured if one.fact["without_base"]))
    rounds = plural(max(one.fact["rounds"] for one in measured), "round")
    has_intervals = any("interval" in found for one in measured for found in one.fact["figures"].values())
    headings = tuple(figure.name for figure in FIGURES)
    return Performance(rows, headings, rounds, bool(base), has_intervals, reasons)


def _base(measured: Sequence[Measured]) -> Iterator[Row]:
    """Yield the row of the bare veth pair, the median over all paths."""
    values = {figure: performance_fact.bases(measured, figure) for figure in FIGURES}
    if any(value is not None for value in values.values()):
        cells = [Cell(each.name, NONE if value is None else shown(value, each)) for each, value in values.items()]
        yield Row("", f"{performance_fact.BASE} = 1.00".capitalize(), "", tuple(cells), "")


def _row(one: Measured, *, with_family: bool) -> Row:
    fact = one.fact
    family = f", {performance_fact.FAMILIES[fact['family']]}" if with_family else ""
    name = fact["path"][0].upper() + fact["path"][1:] + family
    late = f"busy machine: other programs took {one.late:.0%} of the processor time" if one.late else ""
    cells = tuple(_cell(figure, fact["figures"].get(figure.key)) for figure in FIGURES)
    return Row(one.id, name, f"{fact['client']} → {fact['server']}", cells, late)


def _cell(figure: Figure, found: FigureFact | None) -> Cell:
    if found is None:
        return Cell(figure.name, NONE)
    note = f"× {times(found['ratio'])}" if "ratio" in found else ""
    limits = ""
    if interval := found.get("ratio_interval"):
        limits = f"({times(interval[0])} to {times(interval[1])})"
    elif (interval := found.get("interval")) and not note:
        limits = f"{performance_fact.number(interval[0])} to {performance_fact.number(interval[1])}"
    return Cell(figure.name, shown(found["value"], figure), note, limits)
