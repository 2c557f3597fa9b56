"""Two pictures of a matrix, what is expected and what was observed, as coordinates; wrong cells have a frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reports.report.texts import plural, shortened, text_width
from reports.wrong_fact import (
    CONNECTED,
    MISDELIVERED,
    NOT_SENT,
    NOT_THROUGH,
    OTHER_SOURCE,
    PROBE_FAILED,
    UNKNOWN,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CELL = 22  # pixels
MOST_ENDS = 20  # rows and columns that are drawn
MOST_NAMES = 20  # wrong cells that the description names
LONGEST = 20  # characters of a label
DOT, DASH, FRAME = 5, 10, 18  # pixels: the radius of a dot, the length of a dash, the side of a frame
MEANINGS = {
    CONNECTED: "gets through",
    NOT_THROUGH: "is blocked",
    MISDELIVERED: "another server answers",
    OTHER_SOURCE: "the server sees another source address",
    PROBE_FAILED: "the probe failed",
    UNKNOWN: "not judged, or not known",
}
SIGNS = {CONNECTED: "●", NOT_THROUGH: "–"}  # in the legend; other marks are letters


@dataclass(frozen=True)
class Label:
    """A text at a place, in pixels."""

    x: int
    y: int
    text: str


@dataclass(frozen=True)
class Picture:
    """One matrix of outcomes.

    Attributes:
        heading: what it shows.
        description: the same as text, for readers who do not see it.
        width: in pixels.
        height: in pixels.
        rows: labels of the rows, which end at their place.
        columns: labels of the columns, which are turned to the left by a quarter and begin at their place.
        lines: the path of the lines between cells.
        dots: the path of the dots of flows that get through.
        dashes: the path of the dashes of flows that do not.
        letters: the other marks, in the centre of their cells.
        frames: the path of the frames of wrong cells; "" where what is expected is shown.
    """

    heading: str
    description: str
    width: int
    height: int
    rows: tuple[Label, ...]
    columns: tuple[Label, ...]
    lines: str
    dots: str
    dashes: str
    letters: tuple[Label, ...]
    frames: str


@dataclass(frozen=True)
class Grid:
    """The matrix of the flows of one protocol, port and path.

    Attributes:
        flow: protocol, port and path.
        pictures: what is expected, and what was observed.
        legend: (sign, meaning) of the marks that occur.
        left_out: number of rows and columns that are not drawn.
    """

    flow: str
    pictures: tuple[Picture, Picture]
    legend: tuple[tuple[str, str], ...]
    left_out: int


def of(fact: Mapping[str, Any]) -> Grid:
    """Return the pictures of a matrix of the fact `wrong`."""
    rows, columns = fact["rows"][:MOST_ENDS], fact["columns"][:MOST_ENDS]
    expected, observed = ([row[:MOST_ENDS] for row in fact[name][:MOST_ENDS]] for name in ("expected", "observed"))
    wrong = [
        (row, column)
        for row, (wanted, seen) in enumerate(zip(expected, observed, strict=True))
        for column, (one, other) in enumerate(zip(wanted, seen, strict=True))
        if is_wrong(one, other)
    ]
    names = [f"{rows[row]} to {columns[column]}" for row, column in wrong]
    marks = {mark for row in (*expected, *observed) for mark in row} - {NOT_SENT}
    return Grid(
        fact["flow"],
        (
            _picture("Expected", "Which client should reach which server.", fact, expected),
            _picture("Observed", _described(names), fact, observed, wrong),
        ),
        tuple((SIGNS.get(mark, mark), meaning) for mark, meaning in MEANINGS.items() if mark in marks),
        len(fact["rows"]) - len(rows) + len(fact["columns"]) - len(columns),
    )


def _described(names: Sequence[str]) -> str:
    """Return the wrong cells as text, as many as can be listened to."""
    if not names:
        return "No cell is wrong."
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return f"{plural(len(names), 'wrong cell')}: {', '.join(names[:MOST_NAMES])}{more}."


def is_wrong(expected: str, observed: str) -> bool:
    """Whether a cell differs from what is expected."""
    return expected != observed and not {UNKNOWN, NOT_SENT} & {expected, observed}


def _picture(
    heading: str,
    description: str,
    fact: Mapping[str, Any],
    cells: Sequence[str],
    wrong: Sequence[tuple[int, int]] = (),
) -> Picture:
    rows = [shortened(text, LONGEST) for text in fact["rows"][: len(cells)]]
    columns = [shortened(text, LONGEST) for text in fact["columns"][:MOST_ENDS]]
    left, top = (12 + max(map(text_width, labels), default=0) for labels in (rows, columns))
    width, height = left + CELL * len(columns), top + CELL * len(rows)

    def centre(row: int, column: int) -> tuple[int, int]:
        return left + CELL * column + CELL // 2, top + CELL * row + CELL // 2

    marks = [(mark, *centre(row, column)) for row, line in enumerate(cells) for column, mark in enumerate(line)]
    corners = [(x - FRAME // 2, y - FRAME // 2) for x, y in (centre(*place) for place in wrong)]
    return Picture(
        heading,
        description,
        width + 1,
        height + 1,
        tuple(Label(left - 8, centre(number, 0)[1] + 4, text) for number, text in enumerate(rows)),
        tuple(Label(centre(0, number)[0] + 4, top - 8, text) for number, text in enumerate(columns)),
        "".join(f"M{left} {top + CELL * n}H{width}" for n in range(len(rows) + 1))
        + "".join(f"M{left + CELL * n} {top}V{height}" for n in range(len(columns) + 1)),
        "".join(f"M{x - DOT} {y}a5 5 0 1 0 10 0a5 5 0 1 0-10 0" for mark, x, y in marks if mark == CONNECTED),
        "".join(f"M{x - DASH // 2} {y}h{DASH}" for mark, x, y in marks if mark == NOT_THROUGH),
        tuple(Label(x, y + 4, mark) for mark, x, y in marks if mark not in {CONNECTED, NOT_THROUGH, NOT_SENT}),
        "".join(f"M{x} {y}h{FRAME}v{FRAME}h-{FRAME}z" for x, y in corners),
    )
