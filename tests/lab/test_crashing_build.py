"""A build of the plugin that does not work is the plugin's failure, and not ours."""

from __future__ import annotations

import json
import secrets
import tempfile
from pathlib import Path

import pytest

from tests.support.run import pytest_suites

pytestmark = pytest.mark.lab


def test_a_build_that_crashes_is_not_certified_and_its_words_are_shown(tmp_path: Path) -> None:
    """An agent that ends at once on a healthy cluster: exit 1, its last words, and a verdict.json that says so.

    The program lies in /tmp itself, which nodes have of their own.
    """
    program = Path(tempfile.gettempdir()) / f"flanneld-{secrets.token_hex(4)}"
    try:
        program.write_text("#!/bin/sh\ncase $1 in --ip-masq) echo this build is broken; exit 7;; esac\n")
        program.chmod(0o755)
        ended = pytest_suites("--cluster", "lab", "--out", str(tmp_path / "out"), "--bin", f"flanneld={program}")
    finally:
        program.unlink()
    document = json.loads((tmp_path / "out" / "verdict.json").read_text())
    assert (ended.code, document["exit_code"], document["verdict"]) == (1, 1, "failed")
    ended.require(1, "flannel:vxlan", "healthy cluster", "this build is broken", document["reason"])
