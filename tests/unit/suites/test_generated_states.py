"""The fact about generated states: in verdict.json of a run on the fake network, on the page and on the terminal."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import jsonschema

from fixtures.workspaces import fake
from policies import covering
from policies.families import Family
from policies.histories import generate
from reports import generated_fact, verdict
from reports.outcome import Refuted
from reports.report import page
from suites.generated.test_generated import certify
from suites.support.expect import Expect
from tests.support.verdicts import case, document, requirement

if TYPE_CHECKING:
    from pathlib import Path

    from policies.covering import Coverage
    from policies.model import World

HISTORIES = generate(3, 2, Family.IPV4, 1)


def facts(tmp_path: Path, mistake: fake.Mistake = lambda world: world, coverage: Coverage | None = None) -> Any:  # noqa: ANN401 - JSON
    """The facts of a case on the fake network, as verdict.json has them."""
    expect = Expect(fake.bed(), {}, tmp_path)
    try:
        certify(fake.pool(2, mistake), HISTORIES, Family.IPV4, expect, "states", coverage)
    except Refuted:
        assert expect.facts["found after seconds"] is not None
    return json.loads(json.dumps(expect.facts))


def report(*every: dict[str, Any]) -> dict[str, Any]:
    """A verdict.json with a case for each dictionary of facts."""
    cases = [case("passed", number=number, **facts) for number, facts in enumerate(every)]
    return document("passed", requirement("G02", cases, area="generated"))


def test_a_value_that_no_state_has_is_a_gap(tmp_path: Path) -> None:
    """Six states of the base world cannot have everything: what they lack is listed, everywhere."""
    written = facts(tmp_path)
    fact = written[generated_fact.FACT]
    assert (fact["generated"], fact["states"]) == (6, 6)
    assert fact["flows"] == written["flows"] > 0
    gaps = {row["quantity"]: row["not_drawn"] for row in fact["quantities"]}
    assert "65535" in gaps["ports of a range"]
    run = report(written)
    jsonschema.validate(run, json.loads(verdict.SCHEMA.read_text()))
    html = page.render(run)
    assert "<h2>Generated states</h2>" in html
    assert "not drawn: " in html
    line = generated_fact.line(run)
    assert line.startswith(f"generated: 6 states, {fact['flows']} flows, ")
    assert "; not drawn: " in line
    assert "pairs" not in line


def test_cases_are_added_up_and_fill_the_gaps_of_each_other(tmp_path: Path) -> None:
    """A class that one case of a run has is no gap of the run; a case that cites two requirements counts once."""
    written = facts(tmp_path, coverage=covering.coverage(covering.array()))
    fact = written[generated_fact.FACT]
    full = json.loads(json.dumps(fact))
    for row in full["quantities"]:
        row["drawn"] = dict.fromkeys((*row["drawn"], *row["not_drawn"]), 1)
        row["not_drawn"] = []
    run = report(written, {generated_fact.FACT: full})
    run["requirements"].append(run["requirements"][0])
    total = generated_fact.of_run(run)
    assert total is not None
    assert (total.states, total.flows) == (12, 2 * fact["flows"])
    assert not any(one.missing for one in total.quantities)
    line = generated_fact.line(run)
    assert line.endswith(", 100 % of pairs and 100 % of triples")
    assert "strength 3" in page.render(run)


def test_a_run_that_ends_early_counts_the_states_that_were_probed(tmp_path: Path) -> None:
    """An engine without policies is found in one of the first histories."""

    def without(world: World) -> World:
        return world.with_policies()

    fact = facts(tmp_path, without)[generated_fact.FACT]
    assert fact["states"] < fact["generated"] == 6


def test_a_run_without_generated_states_has_no_section() -> None:
    """For example with --only."""
    run = document("passed", requirement("D01", [case("passed")]))
    assert generated_fact.line(run) == ""
    assert "Generated states" not in page.render(run)
