"""Manifests of others install unmodified."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fixtures import paths
from fixtures.binaries import catalogue, toolchain

pytestmark = pytest.mark.lab


def certify(out: Path, *arguments: str) -> dict[str, Any]:
    """verdict.json of a run in a lab of its own."""
    command = [sys.executable, "-m", "pytest", "-q", "suites/datapath", "suites/services", "suites/egress"]
    options = ["--cluster", "lab", "--no-page", "--out", str(out), *arguments]
    done = subprocess.run([*command, *options], cwd=paths.ROOT, capture_output=True, text=True, check=False)
    path = out / "verdict.json"
    assert path.exists(), done.stdout[-3000:] + done.stderr[-3000:]
    document: dict[str, Any] = json.loads(path.read_text())
    return document


def verdicts(document: dict[str, Any]) -> dict[str, str]:
    """Requirement id → verdict of a verdict.json."""
    return {row["id"]: row["verdict"] for row in document["requirements"]}


def differing(one: dict[str, str], other: dict[str, str]) -> dict[str, set[str]]:
    """The requirements with two verdicts; one that a machine was too late to judge differs from none."""
    both = {name: {one.get(name, "missing"), other.get(name, "missing")} for name in one | other}
    return {name: pair for name, pair in both.items() if len(pair - {"inconclusive"}) > 1}


def test_flannels_own_manifest_in_two_workers_comes_to_the_verdicts_of_ours_in_one(tmp_path: Path) -> None:
    """kube-flannel.yml as it lies in flannel's Go module, with -n 2, gives the verdicts of our manifests with -n 0."""
    module = catalogue.modules()["flannel"]
    listed = [toolchain.find(), "list", "-mod=mod", "-m", "-f", "{{.Dir}}", module.path]
    folder = subprocess.run(listed, cwd=module.folder, capture_output=True, text=True, check=True).stdout.strip()
    manifest = Path(folder) / "Documentation" / "kube-flannel.yml"
    theirs = certify(tmp_path / "theirs", "-n", "2", "--manifest", str(manifest))
    ours = certify(tmp_path / "ours", "-n", "0")
    assert ours["verdict"] == theirs["verdict"] == "passed"
    assert differing(verdicts(ours), verdicts(theirs)) == {}
    assert {"flanneld", "etcd"} <= {program["name"] for program in ours["programs"]}


def test_the_positive_control_is_certified_on_dual_stack_and_nftables(tmp_path: Path) -> None:
    """bridge:static passes everything it promises with both families and kube-proxy's nftables mode, and fails N01."""
    document = certify(tmp_path / "out", "--cni", "bridge", "--ip", "dual", "--proxy-mode", "nftables")
    failed = {row["id"] for row in document["requirements"] if row["verdict"] in {"failed", "inconclusive"}}
    assert failed == {"N01"}  # the bridge plugin itself announces no address
    assert document["verdict"] == "passed"
