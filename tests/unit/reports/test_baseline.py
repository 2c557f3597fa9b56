"""Runs against a baseline: what is worse, the exit code, and files that cannot be a baseline."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from reports import baseline, compare
from reports.baseline import Kind
from reports.verdict_file import BadVerdictError
from tests.support.verdicts import case, document, requirement

if TYPE_CHECKING:
    from pathlib import Path

PASSING = {"D01": "passed"}


def run(verdicts: dict[str, str], level: str = "MUST", **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Return the verdict.json of a run with these verdicts."""
    worst = "failed" if "failed" in verdicts.values() else "passed"
    rows = [requirement(identity, [case(verdict)], level=level) for identity, verdict in verdicts.items()]
    return document(more.pop("verdict", worst), *rows, **more)


@pytest.mark.parametrize(
    ("before", "now", "kind", "code"),
    [
        ("passed", "failed", Kind.WORSE, 1),
        ("passed", "unsupported", Kind.WORSE, 1),
        ("passed", "undefined", Kind.WORSE, 1),
        ("passed", "", Kind.WORSE, 1),
        ("passed", "inconclusive", Kind.UNDECIDED, 2),
        ("passed", "error", Kind.UNDECIDED, 3),
        ("failed", "failed", Kind.AS_BEFORE, 0),
        ("failed", "passed", Kind.BETTER, 0),
        ("", "failed", Kind.WORSE, 1),
        ("unsupported", "failed", Kind.WORSE, 1),
        ("failed", "inconclusive", None, 0),
        ("failed", "", None, 0),
        ("", "passed", None, 0),
        ("passed", "passed", None, 0),
    ],
)
def test_what_became_of_a_requirement(before: str, now: str, kind: Kind | None, code: int) -> None:
    """It is worse if it passed and does not pass, or if it is a MUST that fails and did not fail before."""
    first, second = ({"D02": verdict} if verdict else {} for verdict in (before, now))
    result = baseline.compare("b.json", run({**PASSING, **first}), run({**PASSING, **second}))
    assert [change.kind for change in result.changes] == ([kind] if kind else [])
    assert result.exit_code == code


def test_the_worst_change_decides() -> None:
    """A requirement that is worse counts more than one that is not decided, and an error more than both."""
    before = run({**PASSING, "D02": "passed", "D03": "passed"})
    worse = {**PASSING, "D02": "failed", "D03": "inconclusive"}
    assert baseline.compare("b.json", before, run(worse)).exit_code == 1
    assert baseline.compare("b.json", before, run({**worse, "D01": "error"}, verdict="error")).exit_code == 3


def test_a_recommendation_that_is_new_decides_nothing() -> None:
    """A SHOULD that fails is listed; it is worse only if it passed before."""
    first, second = run(PASSING, level="SHOULD"), run({**PASSING, "D02": "failed"}, level="SHOULD")
    result = baseline.compare("b.json", first, second)
    assert [(change.id, change.kind) for change in result.changes] == [("D02", Kind.UNKNOWN_BEFORE)]
    assert result.exit_code == 0
    assert baseline.compare("b.json", run({"D02": "passed"}, level="SHOULD"), second).exit_code == 1


def test_only_what_was_selected_can_vanish() -> None:
    """With --only, the requirements that it leaves out are not missing."""
    before = run({**PASSING, "D02": "passed"})
    assert baseline.compare("b.json", before, run(PASSING), {"D01"}).changes == ()
    assert baseline.compare("b.json", before, run(PASSING)).exit_code == 1


def test_missing_requirements_share_a_line() -> None:
    """A baseline of all suites and a run of one of them would give a line for each of a hundred."""
    ids = ("D01", "D02", "D03", "D04", "D06", "D08", "D09")
    result = baseline.compare("b.json", run(dict.fromkeys(ids, "passed")), run({"D05": "failed", "D04": "passed"}))
    lines = [line for _, line in baseline.lines(result, 100)]
    assert lines[0] == "worse  passed → not checked: D01–D03, D06, D08, D09"
    assert lines[1].startswith("worse  D05  MUST    not checked → failed: ")
    assert lines[2] == "worse than the baseline b.json: 7 worse."


def test_known_divergences_are_not_worse() -> None:
    """A failure that known.yaml excuses is listed as such."""
    known = [{"requirement": "D01", "status": "fails"}]
    result = baseline.compare("b.json", run(PASSING), run({"D01": "failed"}, known=known))
    assert [change.kind for change in result.changes] == [Kind.AS_KNOWN]
    assert result.exit_code == 0


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"verdict": "error", "partial": True}, 3),
        ({"verdict": "failed", "reason": "The agent does not become ready."}, 1),
    ],
)
def test_a_run_that_ended_early_is_not_equal_to_its_baseline(more: dict[str, Any], code: int) -> None:
    """Its exit code stands."""
    assert baseline.compare("b.json", run(PASSING), run(PASSING, **more)).exit_code == code


def test_a_failed_case_without_requirement_counts() -> None:
    """As a MUST, unless it failed in the baseline."""
    crashed = run(PASSING, cases_without_requirement=[case("failed", number=3)])
    assert baseline.compare("b.json", run(PASSING), crashed).exit_code == 1
    assert baseline.compare("b.json", crashed, crashed).exit_code == 0


def bad_files(folder: Path) -> dict[str, tuple[Path, str]]:
    """Return files that are no baselines, each with the message about it."""
    contents = {
        "no JSON": ("<testsuites/>", "is not JSON"),
        "another file": ('{"resultsFolder": 1}', "is no verdict.json of netproof"),
        "a list": ("[]", "is no verdict.json of netproof"),
        "another schema": (json.dumps(run(PASSING) | {"schema": 2}), "has schema 2; this netproof reads schema 1"),
        "a wrong field": (
            json.dumps(run(PASSING) | {"seed": "x"}),
            "breaks the schema of verdict.json at seed: 'x' is",
        ),
        "another plugin": (
            json.dumps(run(PASSING) | {"cni": "mine:a"}),
            "is the baseline of mine:a, and this run is of",
        ),
        "a partial run": (json.dumps(run(PASSING, partial=True)), "is of a run that ended early"),
    }
    files = {}
    for number, (name, (text, message)) in enumerate(contents.items()):
        path = folder / f"baseline{number}.json"
        path.write_text(text)
        files[name] = (path, message)
    return files | {
        "nothing": (folder / "nothing.json", "cannot be read: No such file"),
        "a folder": (folder, "cannot"),
    }


def test_files_that_are_no_baseline_are_refused(tmp_path: Path) -> None:
    """With one sentence that names the file and what is wrong with it."""
    for path, message in bad_files(tmp_path).values():
        with pytest.raises(BadVerdictError) as refused:
            baseline.load(path, "flannel:vxlan")
        assert str(path) in str(refused.value)
        assert message in str(refused.value)
        assert len(str(refused.value).splitlines()) == 1


@pytest.mark.parametrize(("now", "code"), [("passed", 0), ("failed", 1), ("inconclusive", 2)])
def test_the_command_compares_a_run_with_a_baseline(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], now: str, code: int
) -> None:
    """The exit code is the answer; the table and the page list what changed."""
    (tmp_path / "baseline.json").write_text(json.dumps(run(PASSING)))
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "verdict.json").write_text(json.dumps(run({"D01": now})))
    assert compare.main(["--against", str(tmp_path / "baseline.json"), str(tmp_path / "run")]) == code
    output = capsys.readouterr().out
    text = {0: "not worse than the baseline", 1: "worse than the baseline", 2: "not decided against the baseline"}
    assert text[code] in output
    assert "Compared with the baseline" in (tmp_path / "run" / "compare.html").read_text()
    assert compare.main(["--against", str(tmp_path / "nothing.json"), str(tmp_path / "run")]) == baseline.BAD_BASELINE
    assert compare.main(["--against", str(tmp_path / "baseline.json"), *[str(tmp_path / "run")] * 2]) == 2
