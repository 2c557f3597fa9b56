"""A matrix of flows as text: a row per source, a column per destination, wrong cells marked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from policies.flow import Flow, Observation

RIGHT = "."
NOTHING = " "
WRONG_MARK = "!"


@dataclass(frozen=True)
class Wrong:
    """A flow with an unexpected result.

    Attributes:
        expected: the flow.
        seen: the observation.
        why: the difference, in a few words.
    """

    expected: Flow
    seen: Observation
    why: str

    def __str__(self) -> str:
        flow = f"{self.expected.source} → {self.expected.destination} ({self.expected.target})"
        return f"{flow}: expected {self.expected}, observed {self.seen}   <-- {self.why}"


@dataclass(frozen=True)
class Matrix:
    """Flows by source and destination.

    Attributes:
        rows: sources in order of appearance.
        columns: destinations in order of appearance.
        cells: (row, column) → wrong flows; an empty tuple if all flows of the cell are right.
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    cells: dict[tuple[str, str], tuple[Wrong, ...]]

    def text(self) -> str:
        """The matrix in characters: "." right, "!why" wrong, blank if nothing was sent."""
        legend = {name: f"{number}" for number, name in enumerate(self.columns, 1)}
        width = max((len(row) for row in self.rows), default=0)
        cell = max([3, *(len(self._cell(row, column)) for row in self.rows for column in self.columns)])
        lines = [f"{'':{width}}  " + " ".join(f"{legend[column]:>{cell}}" for column in self.columns)]
        lines += [
            f"{row:{width}}  " + " ".join(f"{self._cell(row, column):>{cell}}" for column in self.columns)
            for row in self.rows
        ]
        lines += [f"{'':{width}}  {number} = {name}" for name, number in legend.items()]
        return "\n".join(line.rstrip() for line in lines)

    def _cell(self, row: str, column: str) -> str:
        wrong = self.cells.get((row, column))
        if wrong is None:
            return NOTHING
        return WRONG_MARK + wrong[0].why if wrong else RIGHT


def build(expected: Iterable[Flow], wrong: Iterable[Wrong]) -> Matrix:
    """The matrix of these flows."""
    rows: dict[str, None] = {}
    columns: dict[str, None] = {}
    cells: dict[tuple[str, str], tuple[Wrong, ...]] = {}
    for flow in expected:
        rows.setdefault(flow.source)
        columns.setdefault(flow.destination)
        cells.setdefault((flow.source, flow.destination), ())
    for item in wrong:
        key = (item.expected.source, item.expected.destination)
        cells[key] = (*cells[key], item)
    return Matrix(tuple(rows), tuple(columns), cells)
