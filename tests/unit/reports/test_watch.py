"""`nox -s watch`: runs without end, what is served after each, and how it ends."""

from __future__ import annotations

import datetime
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from prometheus_client.parser import text_string_to_metric_families as plain_text_to_metric_families

from fixtures import paths, waiting
from reports import verdict
from reports.watch import __main__ as command
from reports.watch import arguments, child, folders, served
from reports.watch.loop import Watch
from reports.watch.stop import Stop
from tests.support.verdicts import case, document, requirement

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

OPENMETRICS = "application/openmetrics-text; version=1.0.0"
PATIENCE = 60  # seconds for a process; a busy machine is no failure
PASSED = document("passed", requirement("D01", [case("passed")]))
FAILED = document("failed", requirement("D01", [case("failed")]), requirement("D02", [case("passed")]))
UNREACHABLE = "the cluster in /kubeconfig does not answer: connection refused"
# Certify, as a watch sees it: it works until SIGINT or its end, and then deletes its objects.
ENDS_IN_ORDER = """
import pathlib, sys, time
out = pathlib.Path(sys.argv[sys.argv.index("--out") + 1])
try:
    (out / "begun").touch()
    while not (out / "go on").exists():  # a signal just before a long sleep would be handled after it
        time.sleep(0.05)
except KeyboardInterrupt:
    time.sleep(0.2)
(out / "cleaned").touch()
"""
IGNORES_SIGINT = """
import pathlib, signal, sys, time
signal.signal(signal.SIGINT, signal.SIG_IGN)
(pathlib.Path(sys.argv[sys.argv.index("--out") + 1]) / "begun").touch()
time.sleep(600)
"""


@dataclass
class Runs:
    """Stands in for certify: each run has the next result, and the last one makes a request to end.

    Attributes:
        results: of each run its exit code, and the content of its verdict.json or, if it writes none, its output.
        begun: the folders of the runs so far.
        seen: called after each run but the last one, with the number of runs so far.
    """

    results: Sequence[tuple[int, dict[str, Any] | str]]
    begun: list[Path] = field(default_factory=list)
    seen: Callable[[int], None] = lambda _: None

    def __call__(self, _: Sequence[str], out: Path, stop: Stop) -> int:
        """Certify once."""
        self.seen(len(self.begun))
        self.begun.append(out)
        if len(self.begun) > len(self.results):
            stop.request()
            return 3
        code, result = self.results[len(self.begun) - 1]
        if isinstance(result, str):
            (out / child.OUTPUT).write_text(f"collecting\n!!!! _pytest.outcomes.Exit: {result} !!!!\n")
        else:
            verdict.write(out / "verdict.json", result)
        return code


def chosen(out: Path, *, every: float = 0.01, keep: int = 20) -> arguments.Arguments:
    """Return arguments of a watch."""
    return arguments.Arguments(every, 0, "127.0.0.1", keep, out, ("-c", "pass"))


@contextmanager
def stopping() -> Iterator[Stop]:
    """Provide requests to end."""
    with closing(Stop()) as stop:
        yield stop


def scrape(url: str, accept: str = OPENMETRICS) -> dict[str, dict[tuple[str, ...], float]]:
    """Return what a server serves: {name: {values of labels: number}}, read by the reference parser."""
    request = urllib.request.Request(url, headers={"Accept": accept})  # noqa: S310 - http on loopback
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310 - same
        text, kind = answer.read().decode(), answer.headers["Content-Type"]
    read = text_string_to_metric_families if kind.startswith(OPENMETRICS) else plain_text_to_metric_families
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in read(text):
        for sample in family.samples:
            found.setdefault(sample.name, {})[*sample.labels.values()] = sample.value
    return found


def test_every_run_is_served_and_none_ends_the_watch(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A failed run and an API that does not answer are metrics and a line each, over HTTP on loopback."""
    scrapes = []
    runs = Runs([(0, PASSED), (1, FAILED), (2, UNREACHABLE), (0, PASSED)])
    with stopping() as stop, served.serve(served.State(), "127.0.0.1", 0) as server:
        runs.seen = lambda _: scrapes.append(scrape(server.url))
        Watch(chosen(tmp_path), server.state, stop, runs).forever()
        assert scrape(server.url, "text/plain")["netproof_run_info"] == scrapes[1]["netproof_run_info"]
    first, *after = scrapes
    assert "netproof_run_exit_code" not in first
    assert [each["netproof_watch_last_exit_code"][()] for each in after] == [0, 1, 2, 0]
    assert [each["netproof_watch_last_verdict_written"][()] for each in after] == [1, 1, 0, 1]
    assert [each["netproof_run_exit_code"][()] for each in after] == [0, 1, 1, 0]  # of the newest verdict
    assert [len(each["netproof_requirement"]) for each in after] == [1, 2, 2, 1]
    assert [sum(each["netproof_watch_runs_total"].values()) for each in scrapes] == [0, 1, 2, 3, 4]
    assert after[3]["netproof_watch_runs_total"] == {("0",): 2, ("1",): 1, ("2",): 1, ("3",): 0, ("4",): 0}
    assert "netproof_watch_last_failure_timestamp_seconds" not in after[0]
    failures = [each["netproof_watch_last_failure_timestamp_seconds"][()] for each in after[1:]]
    assert failures[0] < failures[1] == failures[2] < after[3]["netproof_watch_last_success_timestamp_seconds"][()]
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert "exit code 0: flannel:vxlan is certified" in lines[0]
    assert f"exit code 2: {UNREACHABLE} {runs.begun[2]}" in lines[2]


def test_a_folder_that_cannot_be_written_does_not_end_the_watch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A full disk is a line and exit code 3."""
    out = tmp_path / "a file"
    out.touch()
    with stopping() as stop:
        monkeypatch.setattr(stop, "wait", lambda *_: stop.request())
        state = served.State()
        Watch(chosen(out), state, stop, Runs([])).forever()
    assert state.numbers["netproof_watch_last_exit_code"] == 3
    assert "exit code 3: " in capsys.readouterr().out


def test_a_first_run_that_is_wrong_use_ends_the_watch(tmp_path: Path) -> None:
    """An option that certify refuses would be refused each time; a file that vanishes later is not such an option."""
    with stopping() as stop, pytest.raises(arguments.RefusedError, match="no requirement is called D99"):
        Watch(chosen(tmp_path), served.State(), stop, Runs([(4, "no requirement is called D99")])).forever()
    with stopping() as stop:
        runs = Runs([(0, PASSED), (4, "there is no /kubeconfig"), (0, PASSED)])
        Watch(chosen(tmp_path), served.State(), stop, runs).forever()
    assert len(runs.begun) == 4


@pytest.mark.parametrize(("seconds", "waits"), [(12.0, [48.0, 48.0]), (60.0, [0.0, 0.0]), (75.0, [45.0, 45.0])])
def test_runs_begin_at_multiples_of_the_interval(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: float, waits: list[float]
) -> None:
    """A beginning that a long run has passed is left out, and the wait is one call, which a request ends."""
    now, waited = 100.0, []

    def wait(for_seconds: float | None, *_: int) -> None:
        nonlocal now
        assert for_seconds is not None
        waited.append(for_seconds)
        now += for_seconds

    def pass_time(_: int) -> None:
        nonlocal now
        now += seconds

    monkeypatch.setattr("reports.watch.loop.time", SimpleNamespace(monotonic=lambda: now, time=time.time))
    with stopping() as stop:
        monkeypatch.setattr(stop, "wait", wait)
        Watch(chosen(tmp_path, every=60.0), served.State(), stop, Runs([(0, PASSED)] * 2, seen=pass_time)).forever()
    assert waited == waits


def test_only_the_newest_folders_are_kept(tmp_path: Path) -> None:
    """Whatever is no folder of a watch's run stays, and so does what a link points to."""
    others = [tmp_path / "20260101T000000.000Z-flannel-vxlan", tmp_path / "kept"]
    for path in others:
        path.mkdir()
    link = tmp_path / "20250101T000000.000000Z-watch"
    link.symlink_to(others[1])
    runs = Runs([(0, PASSED)] * 4)
    with stopping() as stop:
        Watch(chosen(tmp_path, keep=2), served.State(), stop, runs).forever()
    assert {*tmp_path.iterdir()} == {*others, link, *runs.begun[3:]}
    at = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    assert folders.NAME.fullmatch(folders.create(tmp_path, at).name)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--every", "0"], "argument --every: '0' is no duration of at least a second"),
        (["--every", "0m"], "argument --every: '0m' is no duration"),
        (["--every", "ten minutes"], "argument --every: 'ten minutes' is no duration"),
        (["--every", "-5m"], "argument --every: expected one argument"),
        ([], "the following arguments are required: --every"),
        (["--every", "10m", "--port", "70000"], "argument --port: '70000' is no port"),
        (["--every", "10m", "--keep", "0"], "argument --keep: '0' is no number of at least 1"),
        (["--every", "10m", "--list"], "--list runs nothing"),
        (["--every", "10m", "--address", "192.0.2.1"], "--address 192.0.2.1 --port 9464 cannot be opened: "),
        (["--every", "10m", "--out", "/dev/null"], "--out /dev/null: "),
    ],
)
def test_wrong_use_is_one_line_and_starts_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], message: str
) -> None:
    """The message names the option, and the exit code is that of wrong use."""
    out = [] if "--out" in options else ["--out", str(tmp_path)]
    assert command.main([*options, *out, "--", "-c", "raise SystemExit('started')"]) == 4
    printed = capsys.readouterr()
    assert printed.err.startswith(f"netproof: {message}")
    assert printed.err.count("\n") == 1
    assert printed.out == ""
    assert [*tmp_path.glob("*-watch")] == []


def test_a_port_or_a_folder_in_use_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is started, neither beside another server nor in the folder of another watch."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        options = ["--every", "10m", "--out", str(tmp_path), "--port", port, "--", "-c", "pass"]
        assert command.main(options) == 4
    assert f"--port {port} cannot be opened: Address already in use." in capsys.readouterr().err
    with command._lock(chosen(tmp_path)):
        assert command.main([*options[:4], "--port", "0"]) == 4
    assert "another watch uses it." in capsys.readouterr().err


def test_options_of_certify_reach_it_in_order() -> None:
    """Options of the watch may stand between them."""
    texts = [
        "--cluster",
        "kubeconfig",
        "--every",
        "1h30m",
        "-n",
        "2",
        "--port=0",
        "--kubeconfig",
        "F",
        "--",
        "-m",
        "x",
    ]
    read = arguments.parse(texts)
    assert (read.every, read.port) == (5400.0, 0)
    assert read.command == ("-m", "x", "--cluster", "kubeconfig", "-n", "2", "--kubeconfig", "F", "--no-page")


def begun(folder: Path) -> Path:
    """Wait until a run has begun, and return its folder."""
    waiting.until(lambda: any(folder.glob("**/begun")), "the run has begun", patience=PATIENCE, every=0.02)
    (found,) = folder.glob("**/begun")
    return found.parent


@contextmanager
def watching(out: Path, code: str) -> Iterator[subprocess.Popen[str]]:
    """Start a watch in a process of its own whose runs have this code, and kill it at the end."""
    options = ["--every", "1h", "--port", "0", "--out", str(out), "--", "-c", code]
    process = subprocess.Popen(
        [sys.executable, "-m", "reports.watch", *options], cwd=paths.ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=PATIENCE)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_run_in_order_and_then_the_watch(tmp_path: Path, number: signal.Signals) -> None:
    """The run deletes its objects first; meanwhile the metrics state that it is in progress."""
    with watching(tmp_path, ENDS_IN_ORDER) as process:
        assert process.stdout is not None
        (url,) = re.findall(r"http://\S+/metrics", process.stdout.readline())
        run = begun(tmp_path)
        assert scrape(url)["netproof_watch_run_in_progress"] == {(): 1}
        process.send_signal(number)
        assert process.wait(PATIENCE) == 0
        assert (run / "cleaned").exists()
        assert process.stdout.read() == f"ended; the runs are in {tmp_path}\n"


def test_the_run_of_a_watch_that_is_killed_goes_on_to_its_end(tmp_path: Path) -> None:
    """It deletes its objects then, so that nothing stays in the cluster."""
    with watching(tmp_path, ENDS_IN_ORDER) as process:
        run = begun(tmp_path)
        process.kill()
        process.wait(PATIENCE)
        (run / "go on").touch()
        cleaned = (run / "cleaned").exists
        waiting.until(cleaned, "the run has deleted its objects", patience=PATIENCE, every=0.02)


def test_a_second_signal_kills_a_run_that_does_not_end(tmp_path: Path) -> None:
    """The last lines name the command that deletes what the run left."""
    with watching(tmp_path, IGNORES_SIGINT) as process:
        begun(tmp_path)
        process.terminate()
        process.send_signal(signal.SIGINT)
        printed, _ = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0
    assert "`./noxw -s clean` deletes what it left" in printed


def test_the_exit_code_of_a_run_is_that_of_its_process(tmp_path: Path) -> None:
    """Its output is in its folder, and a signal that ended it is a negative number."""
    with stopping() as stop:
        assert child.run(["-c", "import sys; print('x'); sys.exit(2)"], tmp_path, stop) == 2
        assert child.output_of(tmp_path) == "x\n"
        assert child.run(["-c", "import os; os.kill(os.getpid(), 9)"], tmp_path, stop) == -9
