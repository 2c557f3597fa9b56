"""Changes of verdicts: what newly fails, what newly passes, and all others."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from reports import differences, untried
from reports.comparison.difference import Matters, Row, Section
from reports.report.texts import begun, plural

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reports.comparison.sides import Side

FAILING, PASSING, OTHERS = "Newly failing", "Newly passing", "Other changes"
GROUPS = (FAILING, PASSING, OTHERS)
LEVELS = {"MUST": 3, "SHOULD": 2, "MAY": 1}
NOT_CHECKED = "–"
LONGEST_DETAIL = 240  # characters
LEAST_ALIKE = 3  # requirements of one area that change for one reason; they get one row
SUMMED_UP = ("unsupported", "undefined", "passed")  # other changes between these can share a row


def of(sides: Sequence[Side], labels: Sequence[str]) -> Section:
    """Return the changes of verdicts.

    Args:
        sides: the sides; changes are those from the first side that checked a requirement.
        labels: a short name of each.
    """
    every = sorted({identity for side in sides for identity in side.rows})
    by_id = {identity: [side.verdict_of(identity) for side in sides] for identity in every}
    both = {identity: [verdict for verdict in verdicts if verdict] for identity, verdicts in by_id.items()}
    changed = [identity for identity in every if len({*both[identity]}) > 1]
    whole = [identity for identity in every if len(both[identity]) == len(sides)]
    known = differences.reasons([side.run() for side in sides], changed)
    rows = [_row(identity, sides, known.get(identity, "")) for identity in changed]
    rows = sorted(_summed_up(rows, sides, every), key=lambda row: (GROUPS.index(row.group), -row.weight, row.id))
    same = len(whole) - sum(identity in changed for identity in whole)
    sentences = [f"{same} of {plural(len(whole), 'requirement')} have the same verdict."] if whole else []
    return Section("verdicts", "Verdicts", (*rows,), (*sentences, *_partly(by_id, labels)), GROUPS)


def group_of(verdicts: Sequence[str]) -> str:
    """Return the heading of a change from the first verdict to the others."""
    first, others = verdicts[0], {*verdicts[1:]}
    if "failed" in others and first != "failed":
        return FAILING
    return PASSING if first == "failed" and "passed" in others else OTHERS


def _row(identity: str, sides: Sequence[Side], reason: str) -> Row:
    having = [side for side in sides if side.verdict_of(identity)]
    row = having[0].rows[identity]
    group = group_of([side.verdict_of(identity) for side in having])
    if group == FAILING:
        matters = Matters.FAILS if row["level"] == "MUST" else Matters.NOT_ADVISED
    else:
        matters = Matters.PASSES if group == PASSING else Matters.LITTLE
    return Row(
        id=identity,
        what=row["sentence"],
        cells=tuple(side.verdict_of(identity) or NOT_CHECKED for side in sides),
        change=group.lower() if group != OTHERS else "",
        weight=LEVELS[row["level"]],
        matters=matters,
        group=group,
        level=row["level"],
        detail=begun(_message(identity, having) or reason, LONGEST_DETAIL),
        are_verdicts=True,
    )


def _message(identity: str, having: Sequence[Side]) -> str:
    """Return the first line of the message of a case that did not pass, of the worst verdict."""
    by_verdict = {
        case["verdict"]: " ".join(case["message"].split("\n", 1)[0].split())
        for side in having
        for case in side.rows[identity]["cases"]
        if case["message"].strip() and case["verdict"] == side.verdict_of(identity)
    }
    return next(
        (
            by_verdict[verdict]
            for verdict in ("failed", "error", "inconclusive", "unsupported")
            if verdict in by_verdict
        ),
        "",
    )


def _summed_up(rows: Sequence[Row], sides: Sequence[Side], every: Sequence[str]) -> Iterator[Row]:
    """Yield rows, with one for those of an area that change alike and for one reason, such as a missing feature."""
    areas = {identity: row["area"] for side in sides for identity, row in side.rows.items()}

    def key(row: Row) -> tuple[bool, str, tuple[str, ...], str]:
        is_open = row.group == OTHERS and {*row.cells} <= {*SUMMED_UP, NOT_CHECKED}
        return is_open, areas[row.id] if is_open else row.id, row.cells, row.detail

    for (is_open, area, cells, detail), group in groupby(sorted(rows, key=key), key):
        alike = list(group)
        if not is_open or len(alike) < LEAST_ALIKE:
            yield from alike
            continue
        ids = untried.ranges({row.id for row in alike}, every)
        what = f"{plural(len(alike), 'requirement')} of {area}"
        yield Row(ids, what, cells, weight=len(alike) / len(every), group=OTHERS, detail=detail, are_verdicts=True)


def _partly(by_id: Mapping[str, Sequence[str]], labels: Sequence[str]) -> Iterator[str]:
    """Yield a sentence about the requirements that only some sides checked."""
    checked: dict[tuple[str, ...], set[str]] = {}
    for identity, verdicts in by_id.items():
        by = tuple(label for label, verdict in zip(labels, verdicts, strict=True) if verdict)
        if len(by) < len(labels):
            checked.setdefault(by, set()).add(identity)
    for by, ids in checked.items():
        failed = sorted(identity for identity in ids if "failed" in by_id[identity])
        text = f"Checked for {', '.join(by)} only: {untried.ranges(ids, sorted(by_id))}"
        yield f"{text}; of these {', '.join(failed)} failed." if failed else f"{text}."
