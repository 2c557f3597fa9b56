"""The corpus: the oracle decides as its hand-written cases expect, and broken files are rejected."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from policies import base_world, cases
from policies.datafile import BadFileError
from policies.disagreements import disagreements
from policies.families import Family
from policies.oracle import Decision, Path, Query

if TYPE_CHECKING:
    from policies.cases import Case

QUERIES = [Query(*flow, *row) for flow in base_world.FLOWS for row in itertools.product(Path, Family)]


@pytest.mark.parametrize("case", cases.corpus(), ids=str)
def test_the_oracle_decides_as_the_case_expects(case: Case) -> None:
    """Every cell of every step, on every port, protocol, path and family."""
    assert all(step.covering(query) for step in case.steps for query in QUERIES)
    assert case.families == tuple(Family)
    assert [str(found) for found in disagreements(case)] == []


@pytest.mark.parametrize("case", [c for c in cases.corpus() if c.id != "open-by-default"], ids=str)
def test_a_case_allows_and_denies(case: Case) -> None:
    """A case that only allows or only denies proves little."""
    decisions = {decision for step in case.steps for block in step.expectations for decision in block.cells.values()}
    assert Decision.ALLOWED in decisions
    assert case.id in {"nobody-is-selected", "block-everything"} or Decision.DENIED in decisions


GOOD = """
feature: f
cases:
  - id: one
    title: t
    clauses: [1]
    policies:
      x/p: {podSelector: {}}
    expect: [{deny: ["* > x/a x/b x/c"]}]
"""


@pytest.mark.parametrize(
    (("old", "new", "message")),
    [
        (
            "{podSelector: {}}",
            "{podSelector: {}, policyTypes: [Both]}",
            "line 8, cases[0].policies.x/p.policyTypes[0]",
        ),
        (
            "x/p: {podSelector: {}}",
            "x/p: {ingress: [{ports: [{port: 9, endPort: 8}]}]}",
            "ports[0].endPort: must be a",
        ),
        ("> x/a", "> x/q", "line 9, cases[0].expect[0].deny[0]: x/q is not in the base world"),
        ("> x/a", "> away", "away is not in the base world (away is now remote-node)"),
        ("clauses: [1]", "clauses: [76]", "line 6, cases[0].clauses[0]: 76 is greater"),
        ("    title: t\n", "", "'title' is a required property"),
        ("id: one", "id: [", "not YAML: "),
        (
            "x/p: {podSelector: {}}",
            'x/p: {ingress: [{from: [{ipBlock: {cidr: "${host:q}"}}]}]}',
            "is not a placeholder",
        ),
    ],
)
def test_a_broken_file_says_where_and_what(old: str, new: str, message: str) -> None:
    """File, line, field and rule."""
    assert cases.load(GOOD, "good.yaml")
    with pytest.raises(BadFileError) as raised:
        cases.load(GOOD.replace(old, new), "broken.yaml")
    assert str(raised.value).startswith("broken.yaml, line ")
    assert message in str(raised.value)
