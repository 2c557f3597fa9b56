"""Differences between runs, and the sections that list them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

PAIR = 2  # sides: with more, a change has no direction


class Matters(IntEnum):
    """How much a difference matters to users of a cluster, most first; the page begins with the first of each."""

    FAILS = 1  # a MUST requirement fails that did not
    NEVER_REPAIRED = 2  # traffic that is repaired without intervention in one run and not in another
    DATAPATH = 3  # what packets pass, and how large they may be
    NOT_ADVISED = 4  # a SHOULD or MAY requirement fails that did not
    PASSES = 5  # a requirement passes that failed
    TWICE = 6  # a measurement is at least twice as large
    LITTLE = 7  # none of these


@dataclass(frozen=True)
class Row:
    """A difference.

    Attributes:
        id: id of the requirement or the fault; ids as ranges for several with the same difference; "" for none.
        what: what differs.
        cells: the value of each side, as text; a dash for none.
        change: the change from the first side to the others, in words.
        weight: the order within its group, the largest first.
        matters: how much it matters.
        group: the heading above it; "" for none.
        level: the level of the requirement; "" if it is about none.
        detail: a reason or a message, on one line.
        are_verdicts: whether the cells are verdicts.
    """

    id: str
    what: str
    cells: tuple[str, ...]
    change: str = ""
    weight: float = 0.0
    matters: Matters = Matters.LITTLE
    group: str = ""
    level: str = ""
    detail: str = ""
    are_verdicts: bool = False


@dataclass(frozen=True)
class Section:
    """The differences of one kind.

    Attributes:
        key: the id of its element.
        title: its heading.
        rows: the differences, in order.
        same: sentences: how much was compared and is the same, and what was not compared.
        groups: the headings of its rows, in order.
    """

    key: str
    title: str
    rows: tuple[Row, ...]
    same: tuple[str, ...]
    groups: tuple[str, ...] = ("",)

    def of_group(self, group: str) -> tuple[Row, ...]:
        """Return the rows below a heading."""
        return tuple(row for row in self.rows if row.group == group)


def ratio(values: list[float], smallest: float) -> float:
    """Return how many times the smallest of some values the largest one is.

    Args:
        values: the values.
        smallest: values below this one count as this one, so that a ratio to almost nothing stays finite.
    """
    return max(*values, smallest) / max(min(values), smallest)


def by_factor(values: Sequence[float], factor: float, rises: str = "larger", falls: str = "smaller") -> str:
    """Return a ratio as text: "larger by a factor of 2.0"; the values of more than two sides only differ by it.

    Args:
        values: those that are known, in the order of the sides.
        factor: their ratio.
        rises: the comparative if the second value is the larger one.
        falls: the comparative if it is the smaller one.
    """
    comparative = (rises if values[0] <= values[-1] else falls) if len(values) == PAIR else "differ"
    return f"{comparative} by a factor of {factor:.1f}"
