"""After kill -9 at any moment `nox -s clean` leaves nothing of a kind cluster: `nox -s endurance_kind`."""

from __future__ import annotations

import os
import random
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fixtures import paths, waiting
from fixtures.clusters.kind import engine, leftovers

if TYPE_CHECKING:
    from fixtures.clusters.kind.engine import Engine

KILLS = int(os.environ.get("NETPROOF_KILLS", "10"))
OPTIONS = os.environ.get("NETPROOF_KIND", "")
LATEST = 75.0  # seconds after which a run is killed at the latest: then its cases are under way
WHAT = (  # what an engine has: as it lists things
    ("ps", "--all", "--format", "{{.Names}}"),
    ("network", "ls", "--format", "{{.Name}}"),
    ("volume", "ls", "--format", "{{.Name}}"),
)


def there(where: Engine) -> dict[str, set[str]]:
    """Containers, networks and volumes of the engine, and files in the places that runs write to."""
    seen = {" ".join(command[:2]): set(where.run(*command).split()) for command in WHAT}
    files = {str(path) for folder in (paths.cache(), Path(tempfile.gettempdir())) for path in folder.iterdir()}
    ours = ("tmp", "netproof", "kind")  # how names begin that programs of ours give to files
    return seen | {
        "files": {name for name in files if Path(name).name.startswith(ours) and not name.endswith(".lock")}
    }


@pytest.mark.skipif(not OPTIONS, reason="needs a container engine with images: nox -s endurance_kind -- OPTIONS")
@pytest.mark.parametrize("number", range(KILLS))
def test_a_killed_run_leaves_nothing_once_cleaned(number: int, tmp_path: Path) -> None:
    """No container, network, volume or file is there that was not there before the run."""
    where = engine.find()
    before = there(where)
    moment = random.Random(f"{os.getpid()}-{number}").uniform(0.5, LATEST)  # noqa: S311 - a moment
    suite = [sys.executable, "-m", "pytest", "-q", "suites/datapath", "--cluster", "kind", "--no-page"]
    command = [*suite, "--out", str(tmp_path / "out"), *shlex.split(OPTIONS)]
    with (
        (tmp_path / "said").open("w") as said,
        subprocess.Popen(command, cwd=paths.ROOT, stdout=said, stderr=said) as run,
    ):
        try:
            run.wait(moment)
            pytest.fail(f"the run ended by itself after {moment:.0f} s:\n{(tmp_path / 'said').read_text()[-2000:]}")
        except subprocess.TimeoutExpired:
            run.kill()
    waiting.until(lambda: not any(left.in_use for left in leftovers.find(where)), "the end of the run", patience=30)
    clean = [sys.executable, "-m", "fixtures.clean"]
    cleaned = subprocess.run(clean, cwd=paths.ROOT, capture_output=True, text=True, check=True)
    after = there(where)
    left = {what: sorted(after[what] - names) for what, names in before.items() if after[what] - names}
    assert not left, f"killed after {moment:.1f} s; clean said:\n{cleaned.stdout}"
