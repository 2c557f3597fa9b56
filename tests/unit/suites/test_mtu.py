"""D57 on recorded nodes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from fixtures.cnis import catalogue
from reports.outcome import Refuted
from suites.datapath.test_mtu import test_bridge_and_ports_have_the_pod_mtu as case
from suites.support.expect import Expect
from tests.support import snapshots

if TYPE_CHECKING:
    from pathlib import Path

    from fixtures.testbed.testbed import Testbed


def run(recording: str, variant: str, folder: Path, *, without: str = "") -> Expect:
    """Run the case on a recording, on one of whose nodes the bridge is missing."""
    nodes = snapshots.load(recording)
    if without:
        nodes.remove(without, "links", ifname="cni0")
    prober = SimpleNamespace(mtu=lambda: 1450)
    made = SimpleNamespace(
        snapshot=nodes.snapshot,
        topology=nodes.topology,
        nodes=nodes.topology.node_names,
        cni=catalogue.find(variant),
        pods={"x/a": None},
        probers={"x/a": prober},
    )
    testbed = cast("Testbed", made)
    expect = Expect(testbed, {}, folder)
    case(testbed, expect)
    return expect


def test_a_node_without_the_bridge_that_is_declared_fails(tmp_path: Path) -> None:
    """With it on every node the case passes; a plugin that declares none needs none."""
    assert run("vxlan", "flannel:vxlan", tmp_path).facts["interfaces"] > 1
    with pytest.raises(Refuted, match="node1: cni0: expected a bridge, found none"):
        run("vxlan", "flannel:vxlan", tmp_path, without="node1")
    assert "cni0-bridge" not in catalogue.find("calico-manifest:vxlan").variant.features
    run("vxlan", "calico-manifest:vxlan", tmp_path, without="node1")
