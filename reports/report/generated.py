"""What the generated states of a run had, by area, and which classes of values no state had."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reports import generated_fact

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reports.generated_fact import Generated, Quantity


@dataclass(frozen=True)
class Area:
    """An area of generated values.

    Attributes:
        name: its name.
        drawn: number of classes that some state has.
        classes: number of all classes.
        quantities: its quantities.
    """

    name: str
    drawn: int
    classes: int
    quantities: Sequence[Quantity]


@dataclass(frozen=True)
class Section:
    """The generated states of a run.

    Attributes:
        run: their sum.
        areas: by area.
        covered: (kind of combination, covered, all) of the covering array; none without one.
    """

    run: Generated
    areas: tuple[Area, ...]
    covered: tuple[tuple[str, int, int], ...]


def of(document: Mapping[str, Any]) -> Section | None:
    """Return the section of a verdict.json; None without generated states."""
    run = generated_fact.of_run(document)
    if run is None:
        return None
    return Section(run, tuple(_areas(run)), tuple(_covered(run)))


def _areas(run: Generated) -> Iterator[Area]:
    for name, quantities in run.areas.items():
        classes = [states for quantity in quantities for states in quantity.drawn.values()]
        yield Area(name, sum(map(bool, classes)), len(classes), quantities)


def _covered(run: Generated) -> Iterator[tuple[str, int, int]]:
    if run.pairs:
        yield "pairs of choices of two fields (strength 2)", *run.pairs
    if run.triples:
        yield "triples of choices of three fields that interact (strength 3)", *run.triples
