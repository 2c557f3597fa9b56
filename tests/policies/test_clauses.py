"""Every clause of the semantics has a case, a requirement of its own, or a recorded reason; and mutants are known."""

from __future__ import annotations

import ast
from pathlib import Path

import yaml

from policies import cases
from reports import requirements
from tests.sensitivity import catalogue

ROOT = Path(__file__).parents[2]
CLAUSES = set(range(1, 76))


def shown() -> set[int]:
    """Clauses that a case of the corpus shows."""
    return {clause for case in cases.corpus() for clause in case.clauses}


def test_every_clause_has_a_case_or_a_reason() -> None:
    """No clause is forgotten, and none has both."""
    reasons = yaml.safe_load((ROOT / "policies" / "unproved.yaml").read_text())
    own = {22, 45, 57, 59, 62, 64, 65, 69}  # suites/networkpolicy beside the corpus
    assert shown() | reasons.keys() | own == CLAUSES
    assert not shown() & reasons.keys()


def test_every_clause_that_is_shown_is_a_requirement() -> None:
    """What a case answers for has a sentence, a level and a link."""
    assert {f"P{clause:02}" for clause in shown()} <= requirements.load().keys()


def test_mutants_are_those_of_the_file() -> None:
    """Every mutant that mutants.yaml expects a requirement to find is built, and no other."""
    built = set()
    for path in (ROOT / "tests" / "sensitivity" / "mutants").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "mutant":
                assert isinstance(node.args[0], ast.Constant)
                built.add(node.args[0].value)
    rows = catalogue.load()
    assert {row.id for row in rows if row.requirements} <= built
    assert {name for row in rows for name in row.requirements} <= requirements.load().keys()
    assert len({row.id for row in rows}) == len(rows) == 137


def test_other_suites_names_lead_to_cases() -> None:
    """Whoever comes from Kubernetes' own suite or from cyclonus finds a case for each of theirs."""
    ids = {case.id for case in cases.corpus()}
    known = cases.aliases()
    assert len(known["upstream-e2e"]) == 48
    for suite, names in known.items():
        for name, ours in names.items():
            assert ours, f"{suite}:{name}"
            assert set(ours) <= ids, f"{suite}:{name}"
            assert cases.named(f"{suite}:{name}") == frozenset(ours)
    assert cases.named("M014") == {"peer-and", "peer-and-egress"}
    assert not cases.named("nonsense")
