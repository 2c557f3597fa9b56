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
COLOURS = {
    "passed": "green",
    "failed": "bold red",
    "error": "bold red",
    "inconclusive": "magenta",
    "unsupported": "yellow",
}
GROUP_COLOURS = {verdicts.FAILING: "bold red", verdicts.PASSING: "green"}
KIND_COLOURS = {Kind.WORSE: "bold red", Kind.UNDECIDED: "magenta", Kind.BETTER: "green"}
MOST_NAMED = 4  # sides whose columns have names; with more, they have numbers


def parts(compared: Compared, columns: int) -> Iterator[Table | Text | str]:
    """Yield what is printed, from top to bottom; "" is an empty line.

    Args:
        compared: the compared runs.
        columns: the width of the terminal.
    """
    headings = _headings(compared.labels)
    yield compared.headline.question
    yield compared.headline.sentence
    if headings != compared.labels:
        yield from (f"{number}  {label}" for number, label in zip(headings, compared.labels, strict=True))
    if compared.headline.most:
        yield from ("", "What matters most:", table(compared.headline.most, headings))
    for section in compared.sections:
        if section.rows:
            yield ""
            yield from _section(section, headings)
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


def _headings(labels: Sequence[str]) -> tuple[str, ...]:
    """Return the headings of columns: the labels, or numbers if there are many."""
    return tuple(labels) if len(labels) <= MOST_NAMED else tuple(str(number) for number, _ in enumerate(labels, 1))


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
