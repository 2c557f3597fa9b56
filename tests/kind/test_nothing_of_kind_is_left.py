"""`nox -s clean` removes everything that a run on kind leaves after SIGKILL: `nox -s endurance_kind`."""

from __future__ import annotations

import os
import random
import secrets
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from fixtures import paths, waiting
from fixtures.clusters.kind import engine, leftovers

if TYPE_CHECKING:
    from pathlib import Path

    from fixtures.clusters.kind.engine import Engine

KILLS = int(os.environ.get("NETPROOF_KILLS", "10"))
SEED = os.environ.get("NETPROOF_SEED") or str(
    secrets.randbelow(2**31)
)  # of the random moments of the kills; the same seed repeats them
OPTIONS = os.environ.get("NETPROOF_KIND", "")
LATEST = 75.0  # seconds after which a run is killed at the latest; its cases are running then
LISTS = (  # commands of a container engine that list containers, networks and volumes
    ("ps", "--all", "--format", "{{.Names}}"),
    ("network", "ls", "--format", "{{.Name}}"),
    ("volume", "ls", "--format", "{{.Name}}"),
)


def inventory(container_engine: Engine) -> dict[str, set[str]]:
    """Names of the containers, networks and volumes of the engine, and of the files in the cache."""
    lists = {" ".join(command[:2]): set(container_engine.run(*command).split()) for command in LISTS}
    return lists | {"files": {path.name for path in paths.cache().iterdir() if path.suffix != ".lock"}}


@pytest.mark.skipif(not OPTIONS, reason="needs a container engine with images: nox -s endurance_kind -- OPTIONS")
@pytest.mark.parametrize("number", range(KILLS if OPTIONS else 1))
def test_clean_removes_what_a_killed_run_leaves(number: int, tmp_path: Path) -> None:
    """After `clean`, no container, network, volume or file of the run exists."""
    container_engine = engine.find()
    before = inventory(container_engine)
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    moment = random.Random(f"{SEED} {number}").uniform(0.5, LATEST)  # noqa: S311 - a moment
    print(f"NETPROOF_SEED={SEED}: the run is killed after {moment:.2f} s")  # noqa: T201 - pytest shows it with a failure
    suite = [sys.executable, "-m", "pytest", "-q", "suites/datapath", "--cluster", "kind", "--no-page"]
    command = [*suite, "--out", str(tmp_path / "out"), *shlex.split(OPTIONS)]
    environment = os.environ | {"TMPDIR": str(temporary)}
    with (
        (tmp_path / "output").open("w") as output,
        subprocess.Popen(command, cwd=paths.ROOT, env=environment, stdout=output, stderr=output) as run,
    ):
        try:
            run.wait(moment)
            pytest.fail(f"the run ended by itself after {moment:.0f} s:\n{(tmp_path / 'output').read_text()[-2000:]}")
        except subprocess.TimeoutExpired:
            run.kill()
    waiting.until(
        lambda: not any(left.in_use for left in leftovers.find(container_engine)), "the end of the run", patience=30
    )
    clean = [sys.executable, "-m", "fixtures.commands.clean"]
    cleaned = subprocess.run(clean, cwd=paths.ROOT, capture_output=True, text=True, check=True)
    after = inventory(container_engine)
    left = {kind: sorted(after[kind] - names) for kind, names in before.items() if after[kind] - names}
    left |= {"temporary files": files} if (files := [path.name for path in temporary.iterdir()]) else {}
    assert not left, f"killed after {moment:.1f} s; output of clean:\n{cleaned.stdout}"
