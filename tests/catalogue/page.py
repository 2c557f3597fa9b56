"""Compose docs/requirements.md: every requirement, its cases, and the proof that they can fail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies import cases, clauses
from tests.catalogue import cited
from tests.sensitivity import catalogue as mutants

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from policies.requirements import Requirement

HEAD = """# Requirements

<!-- Written by `./noxw -s generate`; edit the files that it is made from. -->

The requirements that netproof checks, by area. *Checked by* names cases: a test function, or a hand-written policy
case of the corpus (`policies/corpus/`), which `./noxw -s certify -- --cases ID` selects. *Seen to fail by* names the
proof that a check can fail: a break of `tests/lab/breaks.yaml`, a mutant of the reference policy engine (below), or a
test of netproof. Every requirement has such a proof. The id links to the text that demands the requirement.

A run is certified when every MUST that can be checked holds; SHOULD and MAY are reported.
"""

LETTERS = {
    "D": "Datapath: traffic between pods, nodes, Services and external hosts, and the kernel state that carries it",
    "S": "Services: requirements beyond those of D",
    "P": "NetworkPolicy: requirement Pnn is about [clause](#clauses-of-networkpolicy) nn",
    "G": "Generated and replayed policies",
    "F": "Faults that are injected on a node; most are rows of `fixtures/faults/faults.yaml` with the same id",
    "T": "NetworkPolicy in motion: while objects change and agents are away",
    "K": "Claims of documentation about a plugin, and migration to another plugin",
    "N": "Requirements that came later than the numbering of their area, in any area",
    "M": "Not a requirement but a [mutant](#mutants): the reference policy engine with one deliberate bug",
}


def text() -> str:
    """Return the content of the page."""
    known = cited.known()
    areas = dict.fromkeys(requirement.area for requirement in known.values())
    parts = [HEAD, _letters(known)]
    parts += [_area(area, [row for row in known.values() if row.area == area]) for area in areas]
    return "\n".join([*parts, _clauses(), _mutants()])


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


def _letters(known: Iterable[str]) -> str:
    rows = []
    for letter, meaning in LETTERS.items():
        where = dict.fromkeys(str(cited.files()[name]) for name in sorted(known) if name.startswith(letter))
        files = [f"`{path}`" for path in where or ("tests/sensitivity/mutants.yaml",)]
        rows.append([letter, meaning, ", ".join(files)])
    return "## What the letters of ids mean\n\n" + _table(["letter", "meaning", "files"], rows)


def _area(area: str, rows: Iterable[Requirement]) -> str:
    head = ["id", "level", "requirement", "catches", "checked by", "seen to fail by"]
    lines = [
        [f"[{row.id}]({row.link})", row.level, row.sentence, row.catches, _checked(row.id), _failed(row.id)]
        for row in sorted(rows, key=lambda row: row.id)
    ]
    return f"## {area.capitalize()}\n\n" + _table(head, lines)


def _checked(name: str) -> str:
    found = [f"`{case}`" for case in cited.by_cases().get(name, ())]
    if ids := cited.by_corpus().get(name):
        found.append(f"corpus: {', '.join(ids)}")
    return "<br>".join(found)


def _failed(name: str) -> str:
    found = [f"break: {row}" for row in cited.by_breaks().get(name, ())]
    if ids := cited.by_mutants().get(name):
        found.append(f"mutants: {', '.join(ids)}")
    found += [f"test: `{test}`" for test in cited.by_tests().get(name, ())]
    return "<br>".join(found)


def _clauses() -> str:
    shown: dict[int, list[str]] = {}
    for case in cases.corpus():
        for number in case.clauses:
            shown.setdefault(number, []).append(case.id)
    rows = []
    for clause in clauses.load().values():
        found = [f"corpus: {', '.join(shown[clause.number])}"] if clause.number in shown else []
        found += [f"`{case}`" for case in cited.by_cases().get(f"P{clause.number:02}", ())]
        where = "<br>".join(found) or f"no case: {clause.no_case}"
        rows.append([f"[{clause.number}]({clause.link})", clause.status, clause.sentence, where])
    lead = "The semantics, from `policies/clauses.yaml`; messages about wrong flows cite them by number.\n\n"
    return f"## Clauses of NetworkPolicy\n\n{lead}" + _table(["clause", "status", "sentence", "checked by"], rows)


def _mutants() -> str:
    rows = []
    for mutant in mutants.load():
        bugs = ", ".join(f"[{name}]({mutants.bugs()[name].link})" for name in mutant.bugs)
        by = ", ".join(mutant.requirements) or f"not implemented: {mutant.reason}"
        rows.append([mutant.id, mutant.sentence, by, bugs])
    lead = (
        "Each mutant is the reference policy engine with one deliberate bug. `./noxw -s sensitivity` runs the policy "
        "cases on all mutants, to see which requirement kills each (`tests/sensitivity/mutants.yaml`). The last "
        "column names bugs of this kind in released software (`tests/sensitivity/bugs.yaml`).\n\n"
    )
    return f"## Mutants\n\n{lead}" + _table(["mutant", "behaviour", "killed by", "historical bugs"], rows)
