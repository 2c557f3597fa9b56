"""A build of the plugin that does not work is the plugin's failure, and not ours."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support.run import pytest_suites

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.lab


def test_a_build_that_crashes_is_not_certified_and_its_words_are_shown(tmp_path: Path) -> None:
    """An agent that ends at once on a healthy cluster: exit 1, its last words, and a verdict.json that says so."""
    program = tmp_path / "flanneld"
    program.write_text("#!/bin/sh\ncase $1 in --ip-masq) echo this build is broken; exit 7;; esac\n")
    program.chmod(0o755)
    ended = pytest_suites("--cluster", "lab", "--out", str(tmp_path / "out"), "--bin", f"flanneld={program}")
    document = json.loads((tmp_path / "out" / "verdict.json").read_text())
    assert (ended.code, document["exit_code"], document["verdict"]) == (1, 1, "failed")
    ended.require(1, "flannel:vxlan", "healthy cluster", "this build is broken", document["reason"])
