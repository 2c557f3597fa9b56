"""The pages and tables of a run: claims, comparisons, summary, timeline."""

from __future__ import annotations

import dataclasses
import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from fixtures import paths
from policies import requirements
from reports import claims, differences, page, summary, timeline
from reports import runs as runs_of
from reports.allure_results import categories
from reports.run import Run

if TYPE_CHECKING:
    from pathlib import Path


def document(**verdicts: str) -> dict[str, Any]:
    """Return the content of a verdict.json with these verdicts by requirement."""
    rows = [
        {"id": i, "verdict": v, "sentence": f"sentence {i}", "cases": [{"message": "why"}]}
        for i, v in verdicts.items()
    ]
    return {"cni": "flannel:vxlan", "cluster": {"nodes": 3}, "verdict": "passed", "seconds": 1.0, "requirements": rows}


CLAIMS = [{"claim": "The model splits <packets>.", "answer": "False: nothing is.", "requirements": ["K05", "D12"]}]


def test_a_claim_is_answered_by_its_requirements() -> None:
    """The answer holds if all of them passed, fails if one failed, and is open if none was checked."""

    def status(**verdicts: str) -> str:
        (only,) = claims.answer(CLAIMS, document(**verdicts))
        return only.status

    assert status(K05="passed", D12="passed") == "holds"
    assert status(K05="passed", D12="failed") == "fails"
    assert status(D50="passed") == "open"


def test_the_allure_report_shows_claims(tmp_path: Path) -> None:
    """The table of claims is the attachment of a separate result."""
    claims.add_to_allure(claims.answer(CLAIMS, document(K05="passed", D12="passed")), tmp_path)
    (result,) = (json.loads(path.read_text()) for path in tmp_path.glob("*-result.json"))
    (attached,) = result["attachments"]
    assert "The model splits &lt;packets&gt;." in (tmp_path / attached["source"]).read_text()


@pytest.mark.parametrize("rows", [CLAIMS, []])
def test_a_run_writes_a_page_of_claims_if_there_are_any(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    """Without claims about the plugin there is no page; the summary mentions claims only if the run answered one."""
    run = Run(tmp_path, requirements.load(), "2026-01-01T00:00:00Z")
    facts = {"cni": "mine:a", "cluster": {"provider": "lab"}, "programs": [], "claims": rows}
    run.finish(facts, 7, aborted=False)
    assert (tmp_path / "claims.html").exists() == bool(rows)
    assert run.report == str(tmp_path / "report.html")
    ended = summary.EndedRun(run.document, run.answers, [], tmp_path, "", "./noxw", run.report)
    assert "claims" not in summary.show(ended, 200, every_requirement=False)
    ended = dataclasses.replace(ended, answers=claims.answer(rows, document(K05="passed", D12="failed")))
    assert ("1 do not hold" in summary.show(ended, 200, every_requirement=False)) == bool(rows)


def test_requirements_with_different_verdicts_come_first(tmp_path: Path) -> None:
    """Requirements with equal verdicts come last; one that only some runs checked counts as different."""
    runs = []
    for name, verdicts in (
        ("a", {"D01": "passed", "D02": "passed"}),
        ("b", {"D01": "passed", "D02": "failed", "D03": "passed"}),
    ):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "verdict.json").write_text(json.dumps(document(**verdicts)))
        runs.append(runs_of.load(folder / "verdict.json"))
    assert runs_of.order(runs) == ["D02", "D03", "D01"]


def test_figures_are_facts_of_cases() -> None:
    """Every figure that comparisons show is recorded by a case as a fact of that name."""
    text = "".join(path.read_text() for path in (paths.ROOT / "suites").rglob("*.py"))
    assert [figure.fact for figure in runs_of.FIGURES if f'facts["{figure.fact}"]' not in text] == []


def test_a_summary_lists_outages_and_recoveries_of_faults() -> None:
    """A row per fault, with the outage in seconds, and how traffic and state recovered; no table without faults."""
    fact = {
        "id": "F01",
        "sentence": "A route is deleted.",
        "longest_gap": 1.234,
        "lost_datagrams": 7,
        "crashes": ["x"],
    }
    case = {"facts": {"fault": fact | {"traffic": "unaided", "state": "by a restart"}}}
    drawn = summary.faults({"requirements": [{"cases": [case, {"facts": {}}]}]})
    assert drawn is not None
    cells = [next(iter(column.cells)) for column in drawn.columns]
    assert cells == ["F01 A route is deleted.", "1.23 s", "7", "unaided (the agent crashed)", "by a restart"]
    assert summary.faults({"requirements": [{"cases": [{"facts": {}}]}]}) is None


def test_a_timeline_shows_each_outage() -> None:
    """An outage of 2 s is a bar with that tooltip, as long as a mark at 2 s is far from the fault."""
    row = timeline.Row("udp", "x/a", "x/b", 2.0, (timeline.Outage(0.0, 2.0),))
    drawn = timeline.draw("A <fault>", [row], [(2.0, "traffic recovered")])
    assert "2.00 s without an answer" in drawn
    assert "2.0 s traffic recovered" in drawn
    assert "udp a → b  2.00 s" in drawn
    begin, end = (float(x) for x in re.findall(r'<line x1="([\d.]+)"', drawn))
    assert f'x="{begin:.1f}" y="66" width="{end - begin:.1f}"' in drawn
    assert "A &lt;fault&gt;" in drawn


def test_differences_between_providers_are_explained(tmp_path: Path) -> None:
    """The reason is the case's message, else a row of differences.yaml; equal verdicts are left out."""
    for provider, verdicts in (
        ("lab", {"N11": "passed", "D01": "passed", "D02": "passed", "D40": "passed"}),
        ("kind", {"N11": "failed", "D01": "failed", "D02": "passed", "D40": "unsupported"}),
    ):
        content = document(**verdicts) | {"cluster": {"nodes": 3, "provider": provider}}
        (tmp_path / provider).mkdir()
        (tmp_path / provider / "verdict.json").write_text(json.dumps(content))
    runs = [runs_of.load(tmp_path / provider / "verdict.json") for provider in ("lab", "kind")]
    found = differences.reasons(runs, runs_of.order(runs))
    assert [*found] == ["D01", "D40", "N11"]
    assert found["D01"] == differences.UNEXPLAINED
    assert found["D40"] == "why"
    assert "strict reverse path filter" in found["N11"]
    assert differences.reasons(runs[:1] * 2, runs_of.order(runs)) == {}


def test_the_page_is_generated_without_node_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Node comes from PyPI, once per machine, into netproof's cache; Allure accepts categories and a history."""
    results = tmp_path / "results"
    results.mkdir()
    case = {"uuid": "1", "testCaseId": "1", "name": "a case", "status": "passed", "start": 1, "stop": 2}
    (results / "1-result.json").write_text(json.dumps(case))
    (results / page.CATEGORIES).write_text(json.dumps(categories.rows()))
    monkeypatch.setenv("PATH", str(tmp_path))
    page.write(results, tmp_path / "allure.html", paths.cache(), tmp_path / "history.jsonl")
    assert "</html>" in (tmp_path / "allure.html").read_text()
    assert "a case" in (tmp_path / "history.jsonl").read_text()
