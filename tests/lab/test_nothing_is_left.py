"""Whatever is killed, and whenever: nothing of a lab is left, and the next one works."""

from __future__ import annotations

import os
import random
import secrets
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fixtures import paths, waiting
from fixtures.clusters.lab.processes import descendants, inner_numbers
from tests.support.leftovers import alive, machine, with_descendants

pytestmark = pytest.mark.lab

WHOLE_LIFE = 11.0  # seconds: a lab comes up in about nine; so moments in all stages are hit
GONE_PATIENCE = 10.0  # seconds until everything is gone; the kernel needs about half a second
VICTIMS = ("runner", "first process", "etcd")
SEED = os.environ.get("NETPROOF_SEED") or str(secrets.randbelow(2**31))  # of the moments: the same ones again
MOMENTS = int(os.environ.get("NETPROOF_KILLS", "2"))  # per victim; `nox -s endurance` asks for more


def find(victim: str, runner: int) -> int | None:
    """The process to kill; None while it does not exist yet."""
    if victim == "runner":
        return runner
    for pid in descendants(runner):
        if victim == "etcd" and Path(f"/proc/{pid}/comm").exists() and _name(pid) == "etcd":
            return pid
        if victim == "first process" and inner_numbers(pid)[1:] == [1] and "lab.supervisor" in _command(pid):
            return pid
    return None


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


@pytest.mark.parametrize("moment", range(MOMENTS))
@pytest.mark.parametrize("victim", VICTIMS)
def test_a_kill_at_any_moment_leaves_nothing(tmp_path: Path, victim: str, moment: int) -> None:
    """After kill -9 of the runner, the lab's first process or etcd: no process, interface, mount or file."""
    before = machine()
    delay = random.Random(f"{SEED} {victim} {moment}").uniform(0.5, WHOLE_LIFE)  # noqa: S311 - a moment
    print(f"NETPROOF_SEED={SEED}: {victim} is killed after {delay:.2f} s")  # noqa: T201 - pytest shows it with a failure
    command = [sys.executable, "-m", "fixtures.commands.lab", "--out", str(tmp_path / "lab")]
    with (tmp_path / "log").open("wb") as log:
        runner = subprocess.Popen(command, cwd=paths.ROOT, stdout=log, stderr=log)
    begun = time.monotonic()
    found = waiting.until(lambda: find(victim, runner.pid), f"{victim} running", patience=20)
    # The moment is what is being varied; it is not waited for anything.
    time.sleep(max(0.0, delay - (time.monotonic() - begun)))
    family = with_descendants(runner.pid)
    os.kill(int(found or 0), signal.SIGKILL)
    code = runner.wait(GONE_PATIENCE + 10)
    waiting.until(lambda: not alive(family), f"everything gone after {delay:.1f} s", patience=GONE_PATIENCE)
    assert machine() == before, f"{victim} killed after {delay:.1f} s, round {moment}"
    if victim != "runner":
        assert code == 3, (tmp_path / "log").read_text()
        assert "lab" in (tmp_path / "log").read_text().splitlines()[-1]


def test_the_lab_of_a_killed_session_ends(tmp_path: Path) -> None:
    """Killing nox itself ends pytest and the lab below it."""
    before = machine()
    ready = tmp_path / "ready"
    command = [sys.executable, "-m", "nox", "--noxfile", str(paths.ROOT / "noxfile.py"), "-s", "lab", "--"]
    options = ["--out", str(tmp_path / "lab"), "--ready-file", str(ready)]
    with (tmp_path / "log").open("wb") as log:
        nox = subprocess.Popen([*command, *options], cwd=paths.ROOT, stdout=log, stderr=log)
    waiting.until(ready.exists, "the lab ready", patience=60)
    family = with_descendants(nox.pid)
    nox.kill()
    nox.wait()
    waiting.until(lambda: not alive(family), "everything gone", patience=GONE_PATIENCE)
    assert machine() == before
