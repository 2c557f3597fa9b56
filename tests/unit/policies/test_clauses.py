"""Every clause has a case or a reason, messages quote the sentences of clauses, and mutants and bugs are known."""

from __future__ import annotations

from pathlib import Path

import pytest

from policies import base_world, cases, clauses, requirements
from policies.ambiguities import Ambiguity
from policies.datafile import BadFileError
from policies.explain import explain
from policies.oracle import Query
from tests.catalogue import cited
from tests.sensitivity import catalogue

ROOT = Path(__file__).parents[3]
UPSTREAM = 48  # cases of Kubernetes' own suite that aliases.yaml answers for; renew it with that file


def shown() -> set[int]:
    """Clauses that a case of the corpus shows."""
    return {clause for case in cases.corpus() for clause in case.clauses}


def test_every_clause_has_a_case_or_a_reason() -> None:
    """No clause is forgotten, and none has both; requirement Pnn of a case beside the corpus is about clause nn."""
    answered = {int(name[1:]) for name in cited.by_cases() if name.startswith("P")}
    reasons = {clause.number for clause in clauses.load().values() if clause.no_case}
    assert shown() | answered | reasons == clauses.load().keys()
    assert not (shown() | answered) & reasons


def test_every_requirement_of_a_clause_has_its_number() -> None:
    """P15 is about clause 15, and a requirement that names a clause has its sentence and its link."""
    for name, requirement in requirements.load().items():
        if name.startswith("P"):
            clause = clauses.load()[int(name[1:])]
            assert requirement.sentence != clause.sentence or requirement.link == clause.link
    assert requirements.load()["P15"].sentence == clauses.load()[15].sentence


def test_every_ambiguity_belongs_to_one_clause() -> None:
    """Each is named by one clause, whose status is not defined."""
    named = [ambiguity for clause in clauses.load().values() for ambiguity in clause.ambiguities]
    assert sorted(named) == sorted(Ambiguity)
    assert all(clause.status != "defined" for clause in clauses.load().values() if clause.ambiguities)


def test_sentences_of_clauses_are_sentences() -> None:
    """Each begins with a capital or a number and ends with a full stop, and so does each reason."""
    for clause in clauses.load().values():
        for text in filter(None, (clause.sentence, clause.no_case)):
            assert text[0].isupper() or text[0].isdigit(), text
            assert text.endswith("."), text


def test_an_explanation_quotes_each_clause_once() -> None:
    """Reasons cite numbers, and the sentences of the clauses follow, each once."""
    case = next(case for case in cases.corpus() if case.id == "deny-all-both")
    world = case.steps[-1].world(base_world.build())
    explanation = explain(world, "x/a", "x/b", Query("tcp", 80))
    assert explanation.line == (
        "denied: x/deny isolates x/a for egress and has no egress rule (clauses 2 and 10); "
        "x/deny isolates x/b for ingress and has no ingress rule (clauses 2 and 10)"
    )
    assert str(explanation).splitlines() == [explanation.line, str(clauses.load()[2]), str(clauses.load()[10])]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("  - number: 2\n", "  - number: 1\n", "clauses[1].number: 1 is used twice"),
        ("source: validation\n", "source: rumour\n", "source: rumour is not among the sources"),
        ("status: ambiguous", "status: vague", "'vague' is not one of"),
    ],
)
def test_a_broken_file_of_clauses_says_where(
    old: str, new: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """File, line, field and rule."""
    path = tmp_path / "clauses.yaml"
    path.write_text(clauses.PATH.read_text().replace(old, new, 1))
    monkeypatch.setattr(clauses, "PATH", path)
    with pytest.raises(BadFileError, match=r"^policies/clauses.yaml, line \d+, ") as raised:
        clauses.load.__wrapped__()
    assert message in str(raised.value)


def test_every_clause_that_is_shown_is_a_requirement() -> None:
    """What a case answers for has a sentence, a level and a link."""
    assert {f"P{clause:02}" for clause in shown()} <= requirements.load().keys()


def test_mutants_are_those_of_the_file() -> None:
    """Every mutant that mutants.yaml expects a requirement to find is built and says what it does, and no other is."""
    rows = catalogue.load()
    assert {row.id for row in rows if row.requirements} == catalogue.implemented().keys()
    assert all(bool(row.requirements) != bool(row.reason) for row in rows)
    assert all(row.sentence.endswith(".") for row in rows)
    assert {name for row in rows for name in row.requirements} <= requirements.load().keys()
    assert len({row.id for row in rows}) == len(rows)


def test_every_bug_is_cited_and_every_cited_bug_is_known() -> None:
    """bugs.yaml has what cases and mutants cite, and nothing else; each has a project, a link and a sentence."""
    mutants = {row.id for row in catalogue.load()}
    by_cases = {name for case in cases.corpus() for name in case.bugs} - mutants
    by_mutants = {name for row in catalogue.load() for name in row.bugs}
    assert by_cases | by_mutants == catalogue.bugs().keys()
    for bug in catalogue.bugs().values():
        assert bug.project
        assert bug.link.startswith("https://")
        assert bug.sentence.endswith(".")


def test_other_suites_names_lead_to_cases() -> None:
    """Whoever comes from Kubernetes' own suite or from cyclonus finds a case for each of theirs."""
    ids = {case.id for case in cases.corpus()}
    known = cases.aliases()
    assert len(known["upstream-e2e"]) == UPSTREAM
    for suite, names in known.items():
        for name, ours in names.items():
            assert ours, f"{suite}:{name}"
            assert set(ours) <= ids, f"{suite}:{name}"
            assert cases.named(f"{suite}:{name}") == frozenset(ours)
    assert cases.named("M014") == {"peer-and", "peer-and-egress"}
    assert not cases.named("nonsense")
