"""Chaos requirements can fail: an agent that starts only once turns them red.  Part of `nox -s breaks`."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from fixtures.binaries import programs
from fixtures.progress import Progress
from tests.support.run import pytest_suites

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(os.environ.get("NETPROOF_BREAKS") != "all", reason="a lab of its own: nox -s breaks"),
]

ONCE = """#!/bin/sh
[ -e /run/flannel/once ] && { echo this build starts only once; exit 7; }
touch /run/flannel/once
exec REAL "$@"
"""


@pytest.mark.parametrize(
    ("suite", "requirement"),
    [("chaos", "F41"), ("chaos", "F42"), ("chaos", "F46"), ("chaos", "K08"), ("datapath", "D18")],
)
def test_an_agent_that_starts_only_once_is_red(tmp_path: Path, suite: str, requirement: str) -> None:
    """It is the plugin's failure, with the agent's last words, and no error of netproof."""
    program = tmp_path / "flanneld"
    program.write_text(ONCE.replace("REAL", str(programs.obtain(["flanneld"], {}, Progress())["flanneld"].path)))
    program.chmod(0o755)
    out = tmp_path / "out"
    options = ["--cluster", "lab", "--out", str(out), "--no-page", "--bin", f"flanneld={program}"]
    ended = pytest_suites(*options, "--only", requirement, suite=f"suites/{suite}")
    (row,) = json.loads((out / "verdict.json").read_text())["requirements"]
    assert row["verdict"] == "failed", ended.output
    assert "this build starts only once" in row["cases"][0]["message"]
