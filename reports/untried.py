"""The requirements that a run did not try, by area, with the reasons, for the terminal."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from reports.columns import hanging
from reports.outcome import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SHORTEST_RANGE = 3  # ids; fewer are listed one by one


def lines(document: dict[str, Any], columns: int) -> Iterator[str]:
    """Yield a line per area: its name, how many requirements of it are unsupported, and the reasons with their ids."""
    areas = by_area(document)
    every = sorted(row["id"] for row in document["requirements"])
    names = max(map(len, areas), default=0)
    counts = {area: len(set().union(*reasons.values())) for area, reasons in areas.items()}
    digits = max((len(str(count)) for count in counts.values()), default=0)
    for area, reasons in areas.items():
        start = f"{area:{names}}  {counts[area]:{digits}}  "
        for reason, ids in reasons.items():
            yield from hanging(start, f"{reason}: {ranges(ids, every)}", columns)
            start = " " * len(start)


def by_area(document: dict[str, Any]) -> dict[str, dict[str, set[str]]]:
    """Return the ids of unsupported requirements: {area: {reason: ids}}; cases of one id may have several reasons."""
    result: dict[str, dict[str, set[str]]] = {}
    for row in document["requirements"]:
        if row["verdict"] == Verdict.UNSUPPORTED:
            for case in row["cases"]:
                reason = " ".join(case["message"].split()) or "no reason"
                result.setdefault(row["area"], {}).setdefault(reason, set()).add(row["id"])
    return result


def ranges(ids: set[str], every: Iterable[str]) -> str:
    """Write ids as a list in which A–C is A, C and all ids of the run between them, if these are in the list, too.

    Args:
        ids: the ids to list.
        every: all ids of the run, sorted.
    """
    parts: list[str] = []
    for (_, is_listed), group in groupby(every, lambda each: (each.rstrip("0123456789"), each in ids)):
        run = list(group)
        if is_listed:
            parts += [f"{run[0]}–{run[-1]}"] if len(run) >= SHORTEST_RANGE else run
    return ", ".join(parts)
