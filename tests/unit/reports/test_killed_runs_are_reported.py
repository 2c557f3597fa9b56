"""A run that is killed leaves a report that states so; the processes of the runs are real."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from fixtures import paths, waiting
from fixtures.clusters.lab.processes import descendants
from reports import journal, unfinished, verdict
from tests.support.html import Page

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Begin = Callable[..., "Run"]

PATIENCE = 60.0  # seconds until something of a run has happened; our patience, it takes two
SUITE = """
import pathlib, signal, pytest
from reports.outcome import Refuted

@pytest.mark.requirement("D01")
def test_passes():
    "It passes."

@pytest.mark.requirement("D02")
def test_fails():
    "It fails."
    raise Refuted("3 of 9 flows are wrong")

@pytest.mark.requirement("D01", "D03")
def test_hangs():
    "It hangs."
    pathlib.Path(__file__).with_name("hangs").touch()
    signal.pause()

@pytest.mark.requirement("D04")
def test_is_never_reached():
    "It would pass."
"""
RUN = """
import signal, sys, pytest
from tests.support.reported import Cluster
signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell's background jobs ignore
sys.exit(pytest.main(sys.argv[1:], plugins=[Cluster()]))
"""


@dataclass
class Run:
    """A run of the suite in a process of its own.

    Attributes:
        folder: its folder.
        process: the process.
        output: what it and the process that survives it have printed.
    """

    folder: Path
    process: subprocess.Popen[bytes]
    output: Path

    @property
    def out(self) -> Path:
        """The folder of the run's reports."""
        return self.folder / "out"

    def wait_until_it_hangs(self) -> None:
        """Wait until the third case runs, and the facts of the run are in the journal."""

        def hangs() -> bool:
            facts = '"event": "facts"' in (self.out / journal.NAME).read_text()
            return facts and (self.folder / "hangs").exists()

        waiting.until((self.out / journal.NAME).exists, "a journal", patience=PATIENCE)
        waiting.until(hangs, "the case that hangs", patience=PATIENCE)

    def kill(self, number: signal.Signals = signal.SIGKILL) -> int:
        """Send a signal to the process, and wait for its end; returns the exit code."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    def document(self) -> dict[str, Any]:
        """The content of verdict.json, when report.html is there, too; it follows the schema."""
        waiting.until((self.out / "metrics.txt").exists, "the report of a killed run", patience=PATIENCE)
        content: dict[str, Any] = json.loads((self.out / "verdict.json").read_text())
        jsonschema.Draft202012Validator(json.loads(verdict.SCHEMA.read_text())).validate(content)
        return content


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Begin]:
    """A function that begins a run with options of pytest."""
    runs: list[Run] = []

    def begun(*arguments: str) -> Run:
        (tmp_path / "test_suite.py").write_text(SUITE)
        options = [
            "-q",
            "-W",
            "ignore:Module already imported",
            "--rootdir",
            str(tmp_path),
            "-c",
            str(paths.ROOT / "pyproject.toml"),
            "-p",
            "xdist",
        ]
        options += ["-p", "allure_pytest.plugin", "-p", "reports.plugin", "-p", "reports.journal_plugin"]
        options += ["--no-page", "--seed", "7", "--out", str(tmp_path / "out"), *arguments]
        environment = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(paths.ROOT)}
        with (tmp_path / "output").open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-c", RUN, *options, str(tmp_path / "test_suite.py")],
                cwd=tmp_path,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        runs.append(Run(tmp_path, process, tmp_path / "output"))
        return runs[-1]

    yield begun
    for run in runs:
        run.process.kill()
        run.process.wait()


def test_a_killed_run_is_reported(begin: Begin) -> None:
    """How far it came, what failed, what was running; never that the plugin is certified."""
    run = begin()
    run.wait_until_it_hangs()
    assert run.kill() == -signal.SIGKILL
    content = run.document()
    assert (content["verdict"], content["exit_code"], content["partial"]) == ("error", 3, True)
    found = content["unfinished"]
    assert (found["cases"], found["requirements"]) == ({"ended": 2, "of": 4}, {"ended": 1, "of": 4})
    assert [name.rpartition("::")[2] for name in found["running"]] == ["test_hangs"]
    assert {row["id"]: row["verdict"] for row in content["requirements"]} == {"D01": "passed", "D02": "failed"}
    assert content["again"]["run"].endswith("--seed 7")
    text = " ".join(Page((run.out / "report.html").read_text()).text.split())
    sentence = "did not finish: it was killed after 2 of 4 cases; 1 of 4 requirements were checked."
    for expected in ("Not finished", sentence, "3 of 9 flows are wrong", "test_hangs was running"):
        assert expected in text
    for file in ("report.html", "junit.xml"):
        assert "is certified" not in (run.out / file).read_text()
    waiting.until(lambda: "report: " in run.output.read_text(), "a line on the terminal", patience=PATIENCE)
    assert sentence in run.output.read_text()


def test_a_run_that_is_killed_with_the_process_that_survives_it(
    begin: Begin, capsys: pytest.CaptureFixture[str]
) -> None:
    """`nox -s report` writes the report; while a run goes on it does not, and says why."""
    run = begin()
    run.wait_until_it_hangs()
    assert unfinished.main([str(run.out)]) == 4
    assert "has not ended" in capsys.readouterr().err
    children = descendants(run.process.pid)
    (survivor,) = (pid for pid in children if b"reports.survivor" in Path(f"/proc/{pid}/cmdline").read_bytes())
    os.kill(survivor, signal.SIGKILL)
    run.kill()
    assert not (run.out / "verdict.json").exists()
    assert unfinished.main([str(run.out)]) == 0
    assert "it was killed after 2 of 4 cases" in capsys.readouterr().out
    before = run.document()
    assert unfinished.main([str(run.out)]) == 0
    assert run.document() == before


def test_a_run_that_is_killed_on_workers(begin: Begin) -> None:
    """With xdist the controller is killed; a worker had collected the cases."""
    run = begin("-n", "1")
    run.wait_until_it_hangs()
    run.kill()
    found = run.document()["unfinished"]
    assert (found["cases"], found["requirements"]["of"]) == ({"ended": 2, "of": 4}, 4)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_ends_in_order_is_reported_by_itself(begin: Begin, number: signal.Signals) -> None:
    """Ctrl-C ends a run in order: it says that it ended early. SIGTERM kills it, like SIGKILL."""
    run = begin()
    run.wait_until_it_hangs()
    run.kill(number)
    content = run.document()
    assert (content["verdict"], content["partial"]) == ("error", True)
    assert ("unfinished" in content) == (number == signal.SIGTERM)
    written = journal.read(run.out, patience=True)
    assert written is not None
    assert written.ended == (number == signal.SIGINT)


def test_a_journal_whose_last_line_is_cut_off(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The line is ignored; before the cluster was up only the plugin is known; a folder without both is named."""
    started = {"cni": "x:y", "cluster": "kind", "started": "2026-01-01T00:00:00Z", "arguments": ["suites/datapath"]}
    row = {"event": "started", "at": 0.0, **started, "seed": 7, "shuffle": 3, "requirements": []}
    (tmp_path / journal.NAME).write_text(json.dumps(row) + '\n{"event": "facts", "fac')
    assert unfinished.main([str(tmp_path)]) == 0
    assert "The run of x:y did not finish: it was killed before its first case." in capsys.readouterr().out
    content = json.loads((tmp_path / "verdict.json").read_text())
    jsonschema.Draft202012Validator(json.loads(verdict.SCHEMA.read_text())).validate(content)
    assert (content["verdict"], content["shuffle"]) == ("error", 3)
    assert (tmp_path / "report.html").exists()
    assert unfinished.main([str(tmp_path / "empty")]) == 4
    assert "verdict.json" in capsys.readouterr().err
    assert unfinished.main([]) == 4
