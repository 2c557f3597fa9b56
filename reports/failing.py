"""The requirements that did not hold or were not decided, with the messages of their cases, for the terminal."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from reports import known, outcome
from reports.columns import INDENT, hanging
from reports.outcome import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reports.record import Record

VERDICTS = (Verdict.FAILED, Verdict.ERROR, Verdict.INCONCLUSIVE)
MOST_CASES = 3  # of a requirement
MOST_LINES = 4  # of a message


def rows(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of verdict.json that failed, are errors, or are inconclusive: the worst first, then by id.

    Those that fail as known are left out.
    """
    excused = known.excused(document)
    rows = (row for row in document["requirements"] if row["id"] not in excused)
    return outcome.worst_first(row for row in rows if row["verdict"] in VERDICTS)


def as_known(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of verdict.json that fail as known, by id."""
    excused = known.excused(document)
    return outcome.worst_first(row for row in document["requirements"] if row["id"] in excused)


def without_requirement(records: Sequence[Record]) -> list[dict[str, Any]]:
    """Return the same for cases that cite no requirement, each in the form of a row of verdict.json."""
    return [
        {"id": "-", "level": "", "verdict": record.verdict, "sentence": record.title, "cases": [record.row()]}
        for record in records
        if not record.requirements and record.verdict in VERDICTS
    ]


def paragraphs(chosen: Sequence[dict[str, Any]], columns: int) -> Iterator[tuple[Verdict, list[str]]]:
    """Yield the verdict and the lines of each row: verdict, id, level and sentence; below them, its messages."""
    verdicts = max((len(row["verdict"]) for row in chosen), default=0)
    levels = max((len(row["level"]) for row in chosen), default=0)
    for row in chosen:
        start = f"{row['verdict']:{verdicts}}  {row['id']:3}  {row['level']:{levels}}  "
        yield Verdict(row["verdict"]), [*hanging(start, row["sentence"], columns), *_messages(row, columns)]


def _messages(row: dict[str, Any], columns: int) -> Iterator[str]:
    """Yield the beginnings of the messages of the cases that have the verdict of their requirement."""
    cases = [case for case in row["cases"] if case["verdict"] == row["verdict"]]
    for case in islice(cases, MOST_CASES):
        if len(cases) > 1:
            yield from hanging(" " * INDENT, case["title"], columns)
        lines = [line.rstrip() for line in case["message"].splitlines() if line.strip()]
        start = " " * (INDENT if len(cases) == 1 else 2 * INDENT)
        for line in lines[:MOST_LINES]:
            yield from hanging(start, line, columns, deeper=INDENT)
        if len(lines) > MOST_LINES:
            yield f"{start}… and {len(lines) - MOST_LINES} more, in verdict.json"
    if len(cases) > MOST_CASES:
        yield f"{' ' * INDENT}… and {len(cases) - MOST_CASES} more cases, in verdict.json"
