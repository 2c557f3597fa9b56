"""After kill -9 at any moment `nox -s clean` leaves nothing of a kind cluster: `nox -s endurance_kind`."""

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
SEED = os.environ.get("NETPROOF_SEED") or str(secrets.randbelow(2**31))  # of the moments: the same ones again
OPTIONS = os.environ.get("NETPROOF_KIND", "")
LATEST = 75.0  # seconds after which a run is killed at the latest: then its cases are under way
WHAT = (  # what an engine has: as it lists things
    ("ps", "--all", "--format", "{{.Names}}"),
    ("network", "ls", "--format", "{{.Name}}"),
    ("volume", "ls", "--format", "{{.Name}}"),
)


def there(where: Engine) -> dict[str, set[str]]:
    """Containers, networks and volumes of the engine, and files of the cache."""
    seen = {" ".join(command[:2]): set(where.run(*command).split()) for command in WHAT}
    return seen | {"files": {path.name for path in paths.cache().iterdir() if path.suffix != ".lock"}}


@pytest.mark.skipif(not OPTIONS, reason="needs a container engine with images: nox -s endurance_kind -- OPTIONS")
@pytest.mark.parametrize("number", range(KILLS if OPTIONS else 1))
def test_a_killed_run_leaves_nothing_once_cleaned(number: int, tmp_path: Path) -> None:
    """No container, network, volume or file is there that was not there before the run."""
    where = engine.find()
    before = there(where)
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    moment = random.Random(f"{SEED} {number}").uniform(0.5, LATEST)  # noqa: S311 - a moment
    print(f"NETPROOF_SEED={SEED}: the run is killed after {moment:.2f} s")  # noqa: T201 - pytest shows it with a failure
    suite = [sys.executable, "-m", "pytest", "-q", "suites/datapath", "--cluster", "kind", "--no-page"]
    command = [*suite, "--out", str(tmp_path / "out"), *shlex.split(OPTIONS)]
    environment = os.environ | {"TMPDIR": str(temporary)}
    with (
        (tmp_path / "said").open("w") as said,
        subprocess.Popen(command, cwd=paths.ROOT, env=environment, stdout=said, stderr=said) as run,
    ):
        try:
            run.wait(moment)
            pytest.fail(f"the run ended by itself after {moment:.0f} s:\n{(tmp_path / 'said').read_text()[-2000:]}")
        except subprocess.TimeoutExpired:
            run.kill()
    waiting.until(lambda: not any(left.in_use for left in leftovers.find(where)), "the end of the run", patience=30)
    clean = [sys.executable, "-m", "fixtures.commands.clean"]
    cleaned = subprocess.run(clean, cwd=paths.ROOT, capture_output=True, text=True, check=True)
    after = there(where)
    left = {what: sorted(after[what] - names) for what, names in before.items() if after[what] - names}
    left |= {"temporary files": files} if (files := [path.name for path in temporary.iterdir()]) else {}
    assert not left, f"killed after {moment:.1f} s; clean said:\n{cleaned.stdout}"
