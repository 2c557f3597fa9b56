"""Every id that the project cites can be looked up in it: clauses, requirements, faults, mutants, bugs."""

from __future__ import annotations

import re

import pytest

from fixtures import paths
from fixtures.faults import catalogue as faults
from policies import cases, clauses
from tests.catalogue import cited
from tests.sensitivity import catalogue

CLAUSES = re.compile(r"\bclauses? (\d+(?:(?:, | and | to |, and )\d+)*)")
REQUIREMENT = re.compile(r"\b[DFGKNPS]\d\d\b")
MUTANT = re.compile(r"\bM\d{3}\b")
PROJECTS = "aci|antrea|aws|cilium|contiv|felix2?|knp|kr|kubeovn|kuryr|mizar|multinp|ncp|npm|ovnk|romana|sdn|weave"
BUG = re.compile(rf"(?<![\w/.-])(?:{PROJECTS})(?:-[a-z0-9]+)+(?![\w/.])")
NO_BUGS = {"cilium-agent", "npm-cli", "weave-net"}
ELSEWHERE = re.compile(r"\breference \d|policy-bugs|anchors\b")  # texts that are not in the project
UNKNOWN = "D99"  # what tests call a requirement that does not exist


def texts() -> dict[str, str]:
    """What people wrote: every text file but locks and checksums."""
    files = [path for path in cited.tracked() if path.suffix not in {".lock", ".sum", ".mod"}]
    return {str(path): (paths.ROOT / path).read_text(errors="replace") for path in files if path.suffix != ".png"}


def test_every_cited_clause_exists() -> None:
    """In comments, messages and documents, and in cases of the corpus."""
    known = clauses.load().keys()
    by_corpus = {number for case in cases.corpus() for number in case.clauses}
    wrong = [
        f"{path}: clause {number}"
        for path, text in texts().items()
        for numbers in CLAUSES.findall(text)
        for number in re.findall(r"\d+", numbers)
        if int(number) not in known
    ]
    assert not wrong
    assert by_corpus <= known


@pytest.mark.parametrize(
    ("pattern", "known"),
    [
        (REQUIREMENT, {*cited.known(), UNKNOWN}),
        (MUTANT, {mutant.id for mutant in catalogue.load()}),
        (BUG, {*catalogue.bugs(), *NO_BUGS}),
        (ELSEWHERE, set()),
    ],
    ids=["requirements", "mutants", "bugs", "texts that are not here"],
)
def test_every_cited_id_exists(pattern: re.Pattern[str], known: set[str]) -> None:
    """A reader who meets an id finds it in the project."""
    own = f"tests/unit/repo/{__name__.rpartition('.')[2]}.py"
    wrong = [
        f"{path}: {found}"
        for path, text in texts().items()
        if path != own
        for found in sorted(set(pattern.findall(text)) - known)
    ]
    assert not wrong


def test_every_fault_is_a_requirement() -> None:
    """A fault answers for the requirement of its id."""
    assert faults.load().keys() <= cited.known().keys()
