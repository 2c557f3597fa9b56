"""The top of the page: what is compared, the answer, and the differences that matter most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports.comparison import sides as all_sides
from reports.comparison import verdicts
from reports.comparison.difference import PAIR, Matters, Row
from reports.report.texts import plural

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reports.comparison.difference import Section
    from reports.comparison.sides import Side

MOST_OF_A_KIND = 3  # rows at the top for each kind of difference


@dataclass(frozen=True)
class Headline:
    """The top of the page.

    Attributes:
        question: what is compared.
        word: the answer, in a few words.
        verdict: "failed" if a requirement newly fails, "passed" otherwise, for the colour.
        sentence: how the sides are related.
        most: the differences that matter most.
        same: how much is the same.
    """

    question: str
    word: str
    verdict: str
    sentence: str
    most: tuple[Row, ...]
    same: tuple[str, ...]


def of(sides: Sequence[Side], labels: Sequence[str], sections: Sequence[Section]) -> Headline:
    """Return the top of the page for the differences in some sections."""
    rows = [row for section in sections for row in section.rows]
    failing = sum(row.group == verdicts.FAILING for row in rows)
    if failing:
        word = f"{plural(failing, 'requirement')} newly {'fails' if failing == 1 else 'fail'}"
    else:
        word = "No requirement newly fails" if rows else "Nothing differs"
    same = tuple(f"{section.title}: {section.same[0]}" for section in sections if section.same)
    verdict = "failed" if failing else "passed"
    return Headline(question(sides, labels), word, verdict, relation(sides), tuple(_most(rows)), same)


def question(sides: Sequence[Side], labels: Sequence[str]) -> str:
    """Return what the page answers."""
    if not sides:
        return "No run has a verdict."
    if len(sides) != PAIR:
        return f"What differs between {', '.join(labels)}?"
    first, second = sides
    if first.cni != second.cni:
        return f"What changes from {first.cni} to {second.cni}?"
    if changed := all_sides.changed_programs(sides):
        programs = ", ".join(f"{name} {' → '.join(versions)}" for name, versions in changed.items())
        return f"What does {programs} change in {first.cni}?"
    return f"What differs between two runs of {first.cni}?"


def relation(sides: Sequence[Side]) -> str:
    """Return how the sides are related: versions, variants or plugins."""
    if len(sides) < PAIR:
        return "There is nothing to compare."
    changed = [f"{name} {' → '.join(versions)}" for name, versions in all_sides.changed_programs(sides).items()]
    programs = f": {', '.join(changed)}" if changed else ""
    plugins = {side.cni.partition("+")[0].partition(":")[0] for side in sides}
    if len({side.cni for side in sides}) == 1:
        return f"The same plugin with other programs{programs}." if changed else "The same build of the plugin."
    if len(plugins) == 1:
        return f"Variants of {next(iter(plugins))}{f', with other programs{programs}' if changed else ''}."
    return f"Different plugins{programs and f', and of the programs of both{programs}'}."


def _most(rows: Sequence[Row]) -> Iterator[Row]:
    """Yield the first differences of each kind that matters; a requirement or a fault has one of them."""
    shown: set[str] = set()
    for kind in (kind for kind in Matters if kind is not Matters.LITTLE):
        of_kind = sorted((row for row in rows if row.matters is kind), key=lambda row: -row.weight)
        fresh = {row.id or row.what: row for row in reversed(of_kind) if row.id not in shown}
        chosen = [row for row in of_kind if fresh.get(row.id or row.what) is row][:MOST_OF_A_KIND]
        shown.update(row.id for row in chosen if row.id)
        yield from chosen
