"""Claims, comparisons and timelines."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from fixtures import paths
from policies import requirements
from reports import claims, compare, differences, page, plugin, summary, timeline
from reports import runs as runs_of

if TYPE_CHECKING:
    from pathlib import Path


def document(**verdicts: str) -> dict[str, Any]:
    """A verdict.json with these requirements."""
    rows = [
        {"id": i, "verdict": v, "sentence": f"sentence {i}", "cases": [{"message": "why"}]}
        for i, v in verdicts.items()
    ]
    return {"cni": "flannel:vxlan", "cluster": {"nodes": 3}, "verdict": "passed", "seconds": 1.0, "requirements": rows}


CLAIMS = [{"claim": "The model splits <packets>.", "answer": "False: nothing is.", "requirements": ["K05", "D12"]}]


def test_a_claim_is_answered_by_its_requirements() -> None:
    """All passed: the answer; one failed: it does not hold; none asked: open."""

    def says(**verdicts: str) -> str:
        (only,) = claims.answer(CLAIMS, document(**verdicts))
        return only.says

    assert says(K05="passed", D12="passed") == "holds"
    assert says(K05="passed", D12="failed") == "fails"
    assert says(D50="passed") == "open"


def test_the_claims_stand_in_the_allure_report(tmp_path: Path) -> None:
    """One result of its own, with the table as its attachment."""
    claims.into_allure(claims.answer(CLAIMS, document(K05="passed", D12="passed")), tmp_path)
    (result,) = (json.loads(path.read_text()) for path in tmp_path.glob("*-result.json"))
    (attached,) = result["attachments"]
    assert "The model splits &lt;packets&gt;." in (tmp_path / attached["source"]).read_text()


@pytest.mark.parametrize("rows", [CLAIMS, []])
def test_a_run_writes_a_page_of_claims_where_there_are_any(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    """A plugin that nobody claims anything about has no such page, and the summary does not mention one."""
    run = plugin.Run(tmp_path, requirements.load(), "2026-01-01T00:00:00Z")
    facts = {"cni": "mine:a", "cluster": {"provider": "lab"}, "programs": [], "claims": rows}
    run.finish(facts, 7, aborted=False)
    assert (tmp_path / "claims.html").exists() == bool(rows)
    assert ("claims" in summary.show(run.document, run.answers, tmp_path, "page", 200)) == bool(rows)


def test_requirements_in_which_runs_differ_come_first(tmp_path: Path) -> None:
    """What is equal everywhere is at the end; a requirement one run does not know counts as different."""
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
    drawn = compare.page(runs, ["ipip: no such link"])
    assert drawn.index("<th>D02</th>") < drawn.index("<th>D01</th>")
    assert "ipip: no such link" in drawn


def test_figures_are_facts_of_cases() -> None:
    """Each figure by which runs are compared is a fact that some case leaves under that name."""
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


def test_a_timeline_shows_each_gap_where_it_was() -> None:
    """A gap of 2 s that began at the fault is a red bar with its length; marks have their seconds."""
    flow = {"kind": "udp", "from": "x/a", "to": "x/b", "longest": 2.0, "gaps": [[100.0, 2.0]]}
    drawn = timeline.draw("A <fault>", [flow], [(2.0, "traffic is back")], 100.0)
    assert "2.00 s without an answer" in drawn
    assert "2.0 s traffic is back" in drawn
    assert "A &lt;fault&gt;" in drawn


def test_differences_between_providers_are_explained(tmp_path: Path) -> None:
    """What a case says itself comes first, then what is known; the rest is not explained; equals are left out."""
    for provider, verdicts in (
        ("lab", {"N11": "passed", "D01": "passed", "D02": "passed", "D40": "passed"}),
        ("kind", {"N11": "failed", "D01": "failed", "D02": "passed", "D40": "unsupported"}),
    ):
        said = document(**verdicts) | {"cluster": {"nodes": 3, "provider": provider}}
        (tmp_path / provider).mkdir()
        (tmp_path / provider / "verdict.json").write_text(json.dumps(said))
    runs = [runs_of.load(tmp_path / provider / "verdict.json") for provider in ("lab", "kind")]
    found = differences.lines(runs, runs_of.order(runs))
    assert [line.partition(":")[0] for line in found] == ["D01", "D40", "N11"]
    assert found[0].endswith(differences.NOT_KNOWN)
    assert found[1] == "D40: why"
    assert "strict reverse path filter" in found[2]
    assert "D01: not explained" in compare.page(runs, [])
    assert differences.lines(runs[:1] * 2, runs_of.order(runs)) == []


def test_a_machine_without_node_makes_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where PATH has no node, one comes from PyPI with what it needs: once for a machine, into netproof's cache."""
    results = tmp_path / "results"
    results.mkdir()
    case = {"uuid": "1", "name": "a case that nobody has", "status": "passed", "start": 1, "stop": 2}
    (results / "1-result.json").write_text(json.dumps(case))
    monkeypatch.setenv("PATH", str(tmp_path))
    page.write(results, tmp_path / "allure.html", paths.cache())
    assert "</html>" in (tmp_path / "allure.html").read_text()
