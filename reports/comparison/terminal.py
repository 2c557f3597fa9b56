"""A comparison on the terminal: what matters most, and a table for each kind of difference."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from reports import baseline
from reports.baseline import Kind
from reports.comparison import verdicts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reports.comparison.difference import Row, Section
    from reports.comparison.page import Compared

MARKS = {
    "passed": "pass",
    "failed": "FAIL",
    "unsupported": "unsup.",
    "inconclusive": "?",
    "error": "ERROR",
    "undefined": "undef.",
}
SIGNS = {"passed": ".", "failed": "X", "unsupported": "-", "inconclusive": "?", "error": "E", "undefined": "u"}
COLOURS = {
    "passed": "green",
    "failed": "bold red",
    "error": "bold red",
    "inconclusive": "magenta",
    "unsupported": "yellow",
}
GROUP_COLOURS = {verdicts.FAILING: "bold red", verdicts.PASSING: "green"}
KIND_COLOURS = {Kind.WORSE: "bold red", Kind.UNDECIDED: "magenta", Kind.BETTER: "green"}
MOST_NAMED = 4  # sides whose columns have names; those of more sides are numbers


def parts(compared: Compared, columns: int) -> Iterator[Table | Text | str]:
    """Yield what is printed, from top to bottom; "" is an empty line.

    Args:
        compared: the compared runs.
        columns: the width of the terminal.
    """
    yield compared.headline.question
    yield compared.headline.sentence
    yield from _sides(compared)
    are_few = len(compared.labels) <= MOST_NAMED
    if compared.headline.most and are_few:
        yield from ("", "What matters most:", table(compared.headline.most, compared.labels))
    for section in compared.sections:
        if section.rows:
            yield ""
            yield from _section(section, compared.labels) if are_few else _many(section)
    yield ""
    yield "The same:"
    yield from (f"  {section.title.lower()}: {line}" for section in compared.sections for line in section.same)
    yield from (f"  - {line}" for line in compared.without_verdict)
    if compared.against:
        yield ""
        yield from (
            Text(line, KIND_COLOURS.get(kind, "") if kind else "bold")
            for kind, line in baseline.lines(compared.against, columns)
        )


def _sides(compared: Compared) -> Iterator[str]:
    """Yield a line for each side: its number, its label, its verdict and the names of its runs."""
    width = max(map(len, compared.labels), default=0)
    for number, (side, label) in enumerate(zip(compared.sides, compared.labels, strict=True), 1):
        found = " and ".join(document["verdict"] for document in side.documents)
        yield f"{number:3}  {label:{width}}  {found}" + ("" if side.name == label else f"  ({side.name})")


def _many(section: Section) -> Iterator[Table | Text | str]:
    """Yield a section of many sides: verdicts as signs in narrow columns; all else has room on the page only."""
    if not all(row.are_verdicts for row in section.rows):
        yield f"{section.title}: {len(section.rows)} differ; they are on the page."
        return
    result = Table(box=None, pad_edge=False, header_style="bold")
    result.add_column("id")
    for number, _ in enumerate(section.rows[0].cells, 1):
        result.add_column(str(number), justify="right", no_wrap=True)
    result.add_column("requirement")
    for row in section.rows:
        signs = [Text(SIGNS.get(cell, cell), COLOURS.get(cell, "")) for cell in row.cells]
        result.add_row(row.id, *signs, f"{row.level} {row.what}".strip())
    yield result
    yield "  ".join(f"{sign} {name}" for name, sign in SIGNS.items())


def _section(section: Section, headings: Sequence[str]) -> Iterator[Table | Text]:
    for group in section.groups:
        if rows := section.of_group(group):
            yield Text(f"{group or section.title} ({len(rows)})", GROUP_COLOURS.get(group, "bold"))
            yield table(rows, headings)


def table(rows: Sequence[Row], headings: Sequence[str]) -> Table:
    """Return differences as a table; a column for each side."""
    result = Table(box=None, pad_edge=False, header_style="bold", show_header=True)
    result.add_column("id", no_wrap=len(max(rows, key=lambda row: len(row.id)).id) < 6)  # noqa: PLR2004 - a single id
    for heading in headings:
        result.add_column(heading)
    if any(row.change for row in rows):
        result.add_column("change")
    result.add_column("")
    for row in rows:
        cells = [
            Text(MARKS.get(cell, cell), COLOURS.get(cell, "")) if row.are_verdicts else cell for cell in row.cells
        ]
        change = [row.change] if any(each.change for each in rows) else []
        result.add_row(row.id, *cells, *change, f"{row.level} {row.what}".strip())
    return result
