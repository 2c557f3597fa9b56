"""`migrate` replaces a plugin, reports which pods are cut off, and fails if the target does not work."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

from fixtures.paths import ROOT
from tests.support.run import pytest_suites

if TYPE_CHECKING:
    from pathlib import Path

BRIDGE = ROOT / "fixtures" / "cnis" / "bridge"


def migrate(out: Path, target: str) -> dict[str, dict[str, Any]]:
    """The requirements, by id, of a run of the migration suite from flannel to this plugin."""
    options = ["--cluster", "lab", "--migrate-to", target, "--out", str(out), "--no-page"]
    ended = pytest_suites(*options, suite="suites/migration")
    assert (out / "verdict.json").exists(), ended.output
    rows = json.loads((out / "verdict.json").read_text())["requirements"]
    return {row["id"]: row for row in rows}


def test_a_plugin_is_replaced_and_comes_back(tmp_path: Path) -> None:
    """There and back works; on the way later pods got addresses that earlier ones have, and it is said which."""
    rows = migrate(tmp_path / "out", "bridge")
    assert {rows["K09"]["verdict"], rows["K10"]["verdict"]} == {"passed"}
    seen = "\n".join(rows["K09"]["cases"][0]["facts"]["seen"])
    assert "10.244.1.2 belongs to netproof-" in seen
    assert "misdelivered" in seen
    assert "link flannel.1" in seen


def test_a_plugin_that_leaves_a_rule_behind_is_red_both_ways(tmp_path: Path) -> None:
    """A plugin that routes to no peer, by a rule that outlives it, fails the way there and the way back."""
    folder = tmp_path / "routeless"
    shutil.copytree(BRIDGE, folder)
    manifest = folder / "manifests" / "bridge.yaml"
    assert "route(peer)\n" in manifest.read_text()
    rule = 'subprocess.run(["ip", "rule", "add", "to", peer["spec"]["podCIDRs"][0], "unreachable"], check=True)\n'
    manifest.write_text(manifest.read_text().replace("route(peer)\n", rule))
    rows = migrate(tmp_path / "out", str(folder))
    assert {rows["K09"]["verdict"], rows["K10"]["verdict"]} == {"failed"}
