"""How many requirements hold, by area and level, and the list of all of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from reports.outcome import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LEVELS = ("MUST", "SHOULD", "MAY")


@dataclass(frozen=True)
class Level:
    """The requirements of one area and level.

    Attributes:
        held: how many hold.
        decided: how many hold or do not hold.
    """

    held: int
    decided: int

    @property
    def text(self) -> str:
        """N of M; a dash if none was decided."""
        return f"{self.held} of {self.decided}" if self.decided else "–"

    @property
    def all_hold(self) -> bool:
        """Whether none of them was refuted."""
        return self.held == self.decided


@dataclass(frozen=True)
class Area:
    """The requirements of an area, or of all areas.

    Attributes:
        name: the name of the area.
        levels: by level.
        undecided: number of inconclusive requirements and errors.
        untried: number of unsupported and undefined ones.
        rows: their rows in verdict.json, sorted by id.
    """

    name: str
    levels: Mapping[str, Level]
    undecided: int
    untried: int
    rows: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Areas:
    """All areas, and their sum."""

    areas: tuple[Area, ...]
    total: Area
    levels: tuple[str, ...] = LEVELS


def of(document: Mapping[str, Any]) -> Areas:
    """Return the areas of a verdict.json, in alphabetical order."""
    rows = sorted(document["requirements"], key=itemgetter("area", "id"))
    areas = tuple(_area(name, [*group]) for name, group in groupby(rows, itemgetter("area")))
    return Areas(areas, _area("All", rows))


def _area(name: str, rows: Sequence[Mapping[str, Any]]) -> Area:
    counts = Counter((row["level"], row["verdict"]) for row in rows)
    verdicts = Counter(row["verdict"] for row in rows)
    levels = {}
    for level in LEVELS:
        held = counts[level, Verdict.PASSED]
        levels[level] = Level(held, held + counts[level, Verdict.FAILED])
    undecided = verdicts[Verdict.INCONCLUSIVE] + verdicts[Verdict.ERROR]
    return Area(name, levels, undecided, verdicts[Verdict.UNSUPPORTED] + verdicts[Verdict.UNDEFINED], rows)
