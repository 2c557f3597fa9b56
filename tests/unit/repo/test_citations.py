"""Every id that a file cites is defined in the repository: clauses, requirements, faults, mutants, bugs."""

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
ELSEWHERE = re.compile(r"\breference \d|policy-bugs|anchors\b")  # citations of texts that are not in the repository
BINARY = {".png", ".webp", ".gz"}
UNKNOWN = "D99"  # id that tests use for a requirement that does not exist


def texts() -> dict[str, str]:
    """Path and content of every text file that people write: all except lock files and checksums."""
    files = [path for path in cited.tracked() if path.suffix not in {".lock", ".sum", ".mod"}]
    return {str(path): (paths.ROOT / path).read_text(errors="replace") for path in files if path.suffix not in BINARY}


def test_every_cited_clause_exists() -> None:
    """Comments, messages, documents and cases of the corpus cite clauses of policies/clauses.yaml."""
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
    ids=["requirements", "mutants", "bugs", "texts outside the repository"],
)
def test_every_cited_id_exists(pattern: re.Pattern[str], known: set[str]) -> None:
    """A reader of an id finds its definition in the repository."""
    own = f"tests/unit/repo/{__name__.rpartition('.')[2]}.py"
    wrong = [
        f"{path}: {found}"
        for path, text in texts().items()
        if path != own
        for found in sorted(set(pattern.findall(text)) - known)
    ]
    assert not wrong


def test_every_fault_is_a_requirement() -> None:
    """For the id of each fault there is a requirement, which the fault's case checks."""
    assert faults.load().keys() <= cited.known().keys()
