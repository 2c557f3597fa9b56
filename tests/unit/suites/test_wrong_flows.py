"""The fact `wrong` of cases: matrices of expected and observed outcomes, reasons, and policies."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import jsonschema

from fixtures.probes.judging import Judged
from fixtures.workspaces import fake
from fixtures.workspaces.fake import PROFILE, FakeWorkspace
from fixtures.workspaces.judge import Judge
from fixtures.workspaces.runner import run_case
from policies import cases, matrix
from policies.flow import DENIED, Flow, Observation, Target
from policies.oracle import Path, Query
from reports import verdict
from suites.support import wrong_flows

if TYPE_CHECKING:
    from fixtures.testbed.testbed import Testbed
    from reports.wrong_fact import WrongFact

JUDGE = Judge((Query("tcp", 80), Query("tcp", 80, Path.SERVICE)), PROFILE, agree=1, patience=0.1)


def check(fact: WrongFact) -> None:
    """Validate a fact with the schema of verdict.json, after a round trip through JSON."""
    schema: dict[str, Any] = json.loads(verdict.SCHEMA.read_text())
    jsonschema.Draft202012Validator(schema["$defs"]["wrong"]).validate(json.loads(json.dumps(fact)))


def test_a_state_has_matrices_reasons_and_policies() -> None:
    """An engine that enforces nothing: denied cells are observed as connected, and their reasons cite clauses."""
    workspace = FakeWorkspace(fake.bed(), mistake=lambda world: world.with_policies())
    corpus = {case.id: case for case in cases.corpus()}
    result = run_case(workspace, corpus["deny-all-ingress"], JUDGE)[-1]
    fact = wrong_flows.of_state(result, PROFILE)
    check(fact)
    assert {drawn["flow"] for drawn in fact["matrices"]} == {"TCP/80", "TCP/80 through a Service"}
    first = next(drawn for drawn in fact["matrices"] if drawn["flow"] == "TCP/80")
    row, column = first["rows"].index("x/b"), first["columns"].index("x/a")
    assert (first["expected"][row][column], first["observed"][row][column]) == ("-", "+")
    assert fact["wrong"] == len(result.wrong)
    assert fact["cells"][0]["reasons"][0]["clauses"] == [2, 10]
    assert [clause["number"] for clause in fact["clauses"]] == [2, 10]
    (policy,) = fact["policies"]
    assert policy["key"] == "x/deny"
    assert policy["selects"] == ["x/a", "x/b", "x/c"]
    assert policy["rules"] == [{"direction": "Ingress", "peers": ["nobody"], "ports": []}]


def test_a_batch_has_nodes_and_wrong_outcomes() -> None:
    """A wrong answer of several rounds wins over right ones; an answer of another server has a mark of its own."""

    def flow(source: str, destination: str, **more: Any) -> Flow:  # noqa: ANN401 - fields of Flow
        return Flow(source, destination, Target("tcp", "10.244.0.2", 80), **more)

    fine, lost, denied = Observation("connected", "x/b"), Observation("timeout"), Observation("connected", "x/a")
    flows = [
        flow("x/a", "x/b", identities=frozenset({"x/b"})),
        flow("x/b", "x/b", identities=frozenset({"x/b"})),
        flow("x/a", "x/a", outcome=DENIED, server="x/a"),
    ]
    seen = [[fine, lost], [denied], [denied]]
    found = [
        matrix.Wrong(flows[0], lost, "timeout"),
        matrix.Wrong(flows[1], denied, "misdelivered"),
        matrix.Wrong(flows[2], denied, "got through"),
    ]
    pods = {key: SimpleNamespace(key=key, node="n1") for key in ("x/a",)}
    bed = cast("Testbed", SimpleNamespace(pods=pods, hosts={}))
    for judged, blank in ((Judged(found=found, seen=seen), " "), (Judged(found=found, dead=("a server",)), " ")):
        fact = wrong_flows.of_batch(flows, judged, bed)
        check(fact)
        (drawn,) = fact["matrices"]
        assert (drawn["rows"], drawn["columns"]) == (["x/a", "x/b"], ["x/b", "x/a"])
        assert (drawn["expected"], drawn["observed"]) == (["+-", "+" + blank], ["-+", "m" + blank])
        assert fact["ends"] == {"x/a": {"node": "n1", "labels": {}}, "x/b": {"node": "", "labels": {}}}
