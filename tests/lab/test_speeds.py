"""A path that is made slow is slow in the figures, and a path beside it is not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from fixtures.clusters.protocol import run_on
from fixtures.clusters.topology import UPLINK
from reports import performance_fact
from reports.performance_fact import THROUGHPUT, PathName

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.open_lab import OpenLab

pytestmark = pytest.mark.lab

SLOW = ["root", "tbf", "rate", "100mbit", "burst", "128kb", "latency", "50ms"]
FACTOR = 5  # at least, by which the path is slower; a machine without other programs shows a hundred


def ratios(lab: OpenLab, out: Path) -> dict[str, float]:
    """Return the ratio of the throughput of each path to a bare veth pair."""
    assert lab.certify(out, "--only", "N30") == {"N30": "passed"}, lab.failures
    measured = performance_fact.of_run(json.loads((out / "verdict.json").read_text()))
    return {one.fact["path"]: one.fact["figures"][THROUGHPUT.key]["ratio"] for one in measured}


def test_a_slow_uplink_shows_in_the_ratios_of_its_paths(lab: OpenLab, tmp_path: Path) -> None:
    """A limit of 100 Mbit/s on the first node's uplink slows the paths that pass it, and not the one on the node."""
    cluster, node = lab.testbed.cluster, lab.testbed.nodes[0]
    before = ratios(lab, tmp_path / "before")
    assert before.keys() == set(PathName)
    if run_on(cluster, node, ["tc", "qdisc", "add", "dev", UPLINK, *SLOW], check=False).code:
        pytest.skip("this kernel has no token bucket filter (sch_tbf)")
    try:
        slow = ratios(lab, tmp_path / "slow")
    finally:
        run_on(cluster, node, ["tc", "qdisc", "del", "dev", UPLINK, "root"])
    for path in (PathName.OTHER_NODE, PathName.CLUSTER_IP, PathName.OUTSIDE):
        assert slow[path] * FACTOR < min(before[path], slow[PathName.SAME_NODE]), (path, before, slow)
