"""What fails, the worst first: requirements with their consequence, and their cases."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reports import evidence, failing, outcome
from reports.report import wrong
from reports.report.texts import clipped, web_page
from reports.wrong_fact import CONNECTED, FACT, NOT_SENT, NOT_THROUGH, UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

MOST_CASES = 3  # of a requirement, in full
MOST_OTHERS = 10  # further ones, with their titles only
MOST_IN_FULL = 20  # requirements whose cases have messages and pictures
LONGEST_MESSAGE = 3000  # characters
STRICTEST = ("", "MUST", "SHOULD", "MAY")  # a case without a requirement counts as a MUST
PASSES = "Traffic that policies deny gets through."
BLOCKED = "Traffic that policies allow is blocked."


@dataclass(frozen=True)
class Case:
    """A case that did not pass.

    Attributes:
        name: pytest's node id.
        title: its title.
        verdict: its verdict.
        message: why it did not pass.
        summary: the first line of the message.
        evidence: paths of its evidence, relative to the page.
        wrong: its wrong flows; None if it has no structured ones.
    """

    name: str
    title: str
    verdict: str
    message: str
    summary: str
    evidence: tuple[str, ...]
    wrong: wrong.Wrong | None


@dataclass(frozen=True)
class Failure:
    """A requirement that does not hold or was not decided.

    Attributes:
        id: its id.
        level: its level; "" for cases without a requirement.
        verdict: its verdict.
        sentence: the requirement.
        link: the page that states it; "" if there is none.
        consequences: the effects on users.
        cases: the first cases that have its verdict.
        others: titles of further ones.
        more: how many more there are.
    """

    id: str
    level: str
    verdict: str
    sentence: str
    link: str
    consequences: tuple[str, ...]
    cases: tuple[Case, ...]
    others: tuple[str, ...]
    more: int


def of(document: Mapping[str, Any]) -> tuple[Failure, ...]:
    """Return what fails in a verdict.json: the worst verdict first, then the strictest level."""
    without = [each for each in document.get("cases_without_requirement", ()) if each["verdict"] in failing.VERDICTS]
    rows = [*failing.rows(dict(document)), *map(_without_requirement, without)]
    rows.sort(key=lambda row: (-outcome.ORDER.index(row["verdict"]), STRICTEST.index(row["level"]), row["id"]))
    datapath = document["cluster"].get("datapath", {})
    return tuple(_failure(row, datapath, in_full=number < MOST_IN_FULL) for number, row in enumerate(rows))


def _without_requirement(case: Mapping[str, Any]) -> dict[str, Any]:
    """Return a case without a requirement in the form of a row of verdict.json."""
    return {"id": "–", "level": "", "verdict": case["verdict"], "sentence": case["title"], "cases": [case]}


def _failure(row: Mapping[str, Any], datapath: Mapping[str, str], *, in_full: bool) -> Failure:
    cases = [case for case in row["cases"] if case["verdict"] == row["verdict"]]
    shown = MOST_CASES if in_full else 0
    others = [case["title"] for case in cases[shown : shown + MOST_OTHERS]]
    return Failure(
        id=row["id"],
        level=row["level"],
        verdict=row["verdict"],
        sentence=row["sentence"],
        link=web_page(str(row.get("link", ""))),
        consequences=_consequences(row, cases),
        cases=tuple(_case(case, datapath) for case in cases[:shown]),
        others=tuple(others),
        more=max(0, len(cases) - shown - MOST_OTHERS),
    )


def _case(case: Mapping[str, Any], datapath: Mapping[str, str]) -> Case:
    lines = case["message"].strip().splitlines()
    return Case(
        name=case["case"],
        title=case["title"],
        verdict=case["verdict"],
        message=clipped(case["message"].strip(), LONGEST_MESSAGE),
        summary=lines[0] if lines else "",
        evidence=tuple(case.get("evidence", ())) or (f"{evidence.folder_of(Path(), case['case'])}/",),
        wrong=wrong.of(case["facts"].get(FACT), datapath),
    )


def _consequences(row: Mapping[str, Any], cases: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the effects of wrong policy flows, or the consequence of the requirement, if it failed."""
    if row["verdict"] != "failed":
        return ()
    facts = [case["facts"][FACT] for case in cases if case["facts"].get(FACT, {}).get("policies")]
    pairs = {pair for fact in facts for matrix in fact["matrices"] for pair in _pairs(matrix)}
    effects = []
    if any(expected == NOT_THROUGH and observed != NOT_THROUGH for expected, observed in pairs):
        effects.append(PASSES)
    if any(expected == CONNECTED and observed != CONNECTED for expected, observed in pairs):
        effects.append(BLOCKED)
    return tuple(effects) or tuple(filter(None, [row.get("consequence", "")]))


def _pairs(matrix: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (expected, observed) of the cells that are known."""
    for expected, observed in zip(matrix["expected"], matrix["observed"], strict=True):
        yield from (pair for pair in zip(expected, observed, strict=True) if not {UNKNOWN, NOT_SENT} & {*pair})
