"""What was not tried, by area, with the reasons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reports import untried

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Untried:
    """Requirements of an area that were not tried for one reason.

    Attributes:
        area: the area.
        count: how many.
        reason: why.
        ids: their ids, as ranges.
    """

    area: str
    count: int
    reason: str
    ids: str


def of(document: Mapping[str, Any]) -> tuple[Untried, ...]:
    """Return what a verdict.json lists as unsupported."""
    every = sorted(row["id"] for row in document["requirements"])
    return tuple(
        Untried(area, len(ids), reason, untried.ranges(ids, every))
        for area, reasons in untried.by_area(dict(document)).items()
        for reason, ids in reasons.items()
    )
