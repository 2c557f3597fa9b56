"""Reports and exit codes of runs: pytest with the reporting plugin in this process, on a suite of a few lines."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import jsonschema
import pytest

import reports.plugin
from fixtures.errors import NetproofError, PluginFailed
from policies import requirements
from reports import verdict
from reports.outcome import Verdict
from reports.record import Record
from reports.run import Run
from tests.support import reported
from tests.support.reported import Cluster

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.run import RunResult

SUITE = '''
import os
import pytest
from reports.outcome import Inconclusive, Refuted
from reports.plugin import FACTS

@pytest.mark.requirement("D01")
def test_passed():
    """It holds."""

@pytest.mark.requirement("D04")
def test_refuted(request):
    """It does not hold."""
    request.node.stash[FACTS] = {"flows": 9}
    raise Refuted("2 of 9 flows are wrong")

@pytest.mark.requirement("D02")
def test_broken():
    """Its code is wrong."""
    assert 1 == 2

@pytest.mark.requirement("D03")
@pytest.mark.parametrize("family", ["ipv4", "ipv6"])
def test_unsupported(family):
    """It is not offered."""
    pytest.skip("my-cni on lab does not offer it")

@pytest.mark.requirement("D05")
def test_inconclusive():
    """Its control fails."""
    raise Inconclusive("the server of a pod is dead")

@pytest.mark.requirement("D07")
def test_killed():
    """Its process ends."""
    os._exit(9)

@pytest.mark.requirement("D06")
def test_interrupted():
    """It stops the run."""
    pytest.exit("During the run the cluster ended.", returncode=3)

@pytest.mark.requirement("D08")
def test_violated():
    """It has to hold, and does not."""
    raise Refuted("9 of 9 flows are wrong")
'''
KNOWN = "- {requirement: D08, reason: It forgets a peer., link: 'https://example.com', expires: 2099-12-31}\n"


def run(folder: Path, cluster: Cluster, *arguments: str) -> tuple[RunResult, dict[str, Any]]:
    """Run SUITE in a folder; returns the result and the content of verdict.json, {} if it was not written."""
    return reported.run(folder, SUITE, cluster, *arguments)


@pytest.mark.parametrize(
    ("chosen", "code", "verdicts"),
    [
        ("passed or unsupported", 0, {"D01": "passed", "D03": "unsupported"}),
        ("passed or refuted", 0, {"D01": "passed", "D04": "failed"}),  # D04 is a SHOULD
        ("passed or broken", 3, {"D01": "passed", "D02": "error"}),
        ("passed or inconclusive", 2, {"D01": "passed", "D05": "inconclusive"}),
        ("test_unsupported", 2, {"D03": "unsupported"}),
        ("nothing", 2, {}),
    ],
)
def test_the_exit_code_is_the_verdicts(tmp_path: Path, chosen: str, code: int, verdicts: dict[str, str]) -> None:
    """A run exits with the code in verdict.json, not pytest's own, and writes files for other programs."""
    ended, document = run(tmp_path, Cluster(), "-k", chosen)
    assert document, ended.output
    assert (ended.code, document["exit_code"]) == (code, code), ended.output
    assert {row["id"]: row["verdict"] for row in document["requirements"]} == verdicts
    assert '<testsuites name="netproof"' in (tmp_path / "out" / "junit.xml").read_text()
    assert f"netproof_run_exit_code {code}.0\n" in (tmp_path / "out" / "metrics.txt").read_text()
    assert len(list((tmp_path / "out" / "allure-results").glob("*-result.json"))) >= len(verdicts)


def test_records_of_workers_reach_the_controller(tmp_path: Path) -> None:
    """With xdist, too, each case has one record with its title, parameters, message and facts."""
    ended, document = run(tmp_path, Cluster(), "-k", "refuted or unsupported", "-n", "2")
    unsupported, refuted = document["requirements"]
    assert [case["title"] for case in unsupported["cases"]] == [
        "It is not offered. [ipv4]",
        "It is not offered. [ipv6]",
    ]
    assert {case["message"] for case in unsupported["cases"]} == {"my-cni on lab does not offer it"}
    (case,) = refuted["cases"]
    assert (case["message"], case["facts"]) == ("2 of 9 flows are wrong", {"flows": 9})
    ended.require(2, "failed", "D04", "It does not hold.", "unsupported", "D03")


def test_an_aborted_run_certifies_nothing(tmp_path: Path) -> None:
    """Its verdict is an error, although the document lists the cases that passed before."""
    ended, document = run(tmp_path, Cluster(), "-k", "passed or interrupted")
    assert (ended.code, document["exit_code"], document["verdict"]) == (3, 3, "error")
    assert [(row["id"], row["verdict"]) for row in document["requirements"]] == [("D01", "passed")]


@pytest.mark.parametrize(
    ("failure", "verdict"),
    [(PluginFailed("my-cni did not come up"), "failed"), (NetproofError("etcd did not start"), "error")],
)
def test_a_cluster_that_does_not_come_up_leaves_a_verdict(
    tmp_path: Path, failure: NetproofError, verdict: str
) -> None:
    """The verdict is failed if the plugin is the cause and error otherwise; verdict.json has the reason."""
    ended, document = run(tmp_path, Cluster(failure))
    ended.require(failure.exit_code, str(failure))
    found = (document["verdict"], document["exit_code"], document["reason"], document["requirements"])
    assert found == (verdict, failure.exit_code, str(failure), [])


@pytest.mark.parametrize(("expires", "code", "status"), [("2099-12-31", 0, "fails"), ("2020-12-31", 1, "expired")])
def test_a_known_divergence_fails_no_run_until_it_expires(
    tmp_path: Path, expires: str, code: int, status: str
) -> None:
    """verdict.json and the terminal list it; a pass that was not expected is a finding that fails nothing."""
    (tmp_path / "my-cni").mkdir()
    rows = KNOWN.replace("2099-12-31", expires) + KNOWN.replace("D08", "D01")
    (tmp_path / "my-cni" / "known.yaml").write_text(rows)
    ended, document = run(tmp_path, Cluster(folder=tmp_path / "my-cni"), "-k", "passed or violated")
    ended.require(code, "known divergences to look at:", "D01 passes, although it is known to fail")
    assert document["exit_code"] == code
    assert {row["id"]: row["verdict"] for row in document["requirements"]} == {"D01": "passed", "D08": "failed"}
    assert {row["requirement"]: row["status"] for row in document["known"]} == {"D08": status, "D01": "passes"}
    assert ("--only D08" in document["again"].get("failed", "")) == bool(code)
    assert ("known divergences, which do not count:" in ended.output) == (code == 0)
    assert "Known divergences" in (tmp_path / "out" / "report.html").read_text()


@pytest.mark.parametrize(
    ("option", "text", "code", "message"),
    [
        ("--known", KNOWN.replace("D08", "D99"), 4, "[0].requirement: no requirement is called D99"),
        ("--known", None, 4, "given cannot be read"),
        ("--against", "<testsuites/>", 2, "given is not JSON"),
        ("--against", None, 2, "given cannot be read"),
    ],
)
def test_a_wrong_expectation_is_refused_before_the_cluster_starts(
    tmp_path: Path, option: str, text: str | None, code: int, message: str
) -> None:
    """One sentence, and no verdict."""
    if text is not None:
        (tmp_path / "given").write_text(text)
    ended, document = run(tmp_path, Cluster(NetproofError("the cluster starts")), option, str(tmp_path / "given"))
    ended.require(code, message)
    assert "the cluster starts" not in ended.output
    assert document == {}


@pytest.mark.parametrize(
    ("before", "now", "code", "text"),
    [
        ("passed or violated", "passed or violated", 0, "not worse than the baseline"),
        ("passed or violated", "passed", 0, "not worse than the baseline"),
        ("passed", "passed or violated", 1, "1 worse"),
        ("passed", "violated", 1, "2 worse"),  # D01 is not checked any more
        ("passed", "passed or inconclusive", 0, "nothing changed"),
        ("passed", "passed or broken", 3, "not decided against the baseline"),
    ],
)
def test_a_run_against_a_baseline_fails_for_what_is_worse(
    tmp_path: Path, before: str, now: str, code: int, text: str
) -> None:
    """What failed before is listed and does not count; verdict.json has the exit code and what changed."""
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
    run(tmp_path / "first", Cluster(), "-k", before)
    against = tmp_path / "first" / "out" / "verdict.json"
    ended, document = run(tmp_path / "second", Cluster(), "-k", now, "--against", str(against))
    ended.require(code, text)
    assert document["exit_code"] == code
    jsonschema.validate(document, json.loads(verdict.SCHEMA.read_text()))
    page = (tmp_path / "second" / "out" / "report.html").read_text()
    assert "Compared with the baseline" in page


def test_a_rejected_run_writes_no_verdict(tmp_path: Path) -> None:
    """An unknown requirement, or a folder that has a run already, ends a run before anything is changed."""
    ended, document = run(tmp_path, Cluster(), "--only", "D01,D99")
    ended.require(4, "--only", "D99")
    assert document == {}
    run(tmp_path, Cluster(), "-k", "passed")
    run(tmp_path, Cluster(), "-k", "refuted")[0].require(4, "--out", "holds a run already")
    assert json.loads((tmp_path / "out" / "verdict.json").read_text())["exit_code"] == 0


def test_a_case_whose_worker_crashed_is_an_error(tmp_path: Path) -> None:
    """The worker sends no record of it, and the other cases alone certify nothing."""
    ended, document = run(tmp_path, Cluster(), "-k", "passed or killed", "-n", "1")
    assert (ended.code, document["verdict"]) == (3, "error")


def test_a_run_that_ends_with_its_first_failure_certifies_nothing(tmp_path: Path) -> None:
    """With -x the cases after a SHOULD that failed were not run."""
    ended, document = run(tmp_path, Cluster(), "-k", "passed or refuted", "-x")
    assert (ended.code, document["exit_code"]) == (3, 3)


def test_a_summary_lists_what_passed_only_with_v(tmp_path: Path) -> None:
    """By default it has what failed, and what was not tried with the reason; the command has the run's seed."""
    options = ("-k", "passed or refuted or unsupported", "--seed", "7")
    for verbosity, listed in (((), 0), (("-v",), 1), (("-vv",), 1), (("-q", "-v"), 1)):
        folder = tmp_path / f"run{'-'.join(verbosity)}"
        folder.mkdir()
        ended, _ = run(folder, Cluster(), *options, *verbosity)
        summary = ended.output.rpartition("= requirements =")[2]
        assert summary.count("passed       D01") == listed, ended.output
        assert "failed  D04  SHOULD  " in summary
        assert "    2 of 9 flows are wrong\n" in summary
        assert "datapath  1  my-cni on lab does not offer it: D03\n" in summary
        assert "--seed 7 --only D04\n" in summary


class Terminal:
    """What Controller uses of pytest's terminal, on a terminal or not."""

    def __init__(self, *, isatty: bool) -> None:
        self.text = ""
        self.isatty = lambda: isatty

    def ensure_newline(self) -> None:
        """Begin a line; nothing else writes here."""

    def write(self, text: str, **_: bool) -> None:
        """Write text."""
        self.text += text

    def write_line(self, text: str) -> None:
        """Write the end of a line."""
        self.text += f"{text}\n"


@pytest.mark.parametrize(("isatty", "further"), [(True, f"\n{'':35}the terminal."), (False, " the terminal.")])
def test_progress_wraps_on_a_terminal_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, isatty: bool, further: str
) -> None:
    """Elsewhere a case has one line, for programs that search the output."""
    monkeypatch.setenv("COLUMNS", "66")
    terminal = Terminal(isatty=isatty)
    config = SimpleNamespace(pluginmanager=SimpleNamespace(getplugin=lambda _: terminal))
    of_run = Run(tmp_path, requirements.load(), "2026-01-01T00:00:00Z")
    controller = reports.plugin.Controller(cast("pytest.Config", config), of_run)
    title = "A sentence that is too long for the terminal."
    controller.add(Record("x.py::test_a", title, ("D01",), Verdict.PASSED, 0.1))
    assert terminal.text == f"passed         0.10 s  D01         A sentence that is too long for{further}\n"
