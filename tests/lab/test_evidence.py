"""Evidence of failures in a lab: the hop that loses packets, policies in force, no secret; and a killed run."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from fixtures import paths, waiting
from fixtures.clusters.protocol import run_on
from fixtures.cnis.placeholders import fill
from fixtures.probes.pods import PYTHON_IMAGE
from fixtures.testbed.testbed import NAMESPACES
from reports import evidence, journal
from tests.lab import breaks
from tests.support.leftovers import alive, with_descendants
from tests.support.open_lab import opened

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from tests.support.open_lab import OpenLab

pytestmark = pytest.mark.lab

SECRET = "eyJhbGciOiJSUzI1NiJ9.cGxhbnRlZA.c2lnbmF0dXJlLXBsYW50ZWQ"  # noqa: S105 - planted
OPAQUE = "planted-Zq81xP0mWk"
PATIENCE = 60.0  # seconds until something of a run has happened; our patience


def folder(out: Path, beginning: str) -> Path:
    """The folder of the evidence of the only case whose name begins so."""
    (found,) = (out / "evidence").glob(f"{beginning}*")
    return found


def seconds(about: str) -> float:
    """The seconds that the collection took."""
    found = re.search(r"Collected in ([\d.]+) s", about)
    assert found
    return float(found[1])


@pytest.fixture
def broken(lab: OpenLab) -> Iterator[None]:
    """A lab in which a forwarding entry of node1 is deleted."""
    case = next(row for row in breaks.load() if row.name == "forwarding entry of a peer deleted")
    values = breaks.placeholders(lab.testbed, case.node)
    run_on(lab.testbed.cluster, case.node, ["sh", "-ec", fill(case.inject, values)])
    yield
    run_on(lab.testbed.cluster, case.node, ["sh", "-ec", fill(case.heal, values)])


@pytest.mark.usefixtures("broken")
def test_the_hop_that_loses_packets_is_named(lab: OpenLab, tmp_path: Path) -> None:
    """Without its forwarding entry, VXLAN drops the packet, and the state of the node shows that it is missing."""
    out = tmp_path / "out"
    assert lab.certify(out, "--only", "D02,D05") == {"D02": "failed", "D05": "failed"}
    found = folder(out, "test_pod_to_pod.py-test_pods_on_different_nodes_connect_over_tcp")
    assert "The request was lost on node1, after flannel.1 and before eth0." in (found / "path.txt").read_text()
    assert [path.name[:6] for path in sorted(found.glob("*.pcap"))] == ["hop-01", "hop-02", "hop-03", "hop-04"]
    network = {node: (found / f"{node}-network.txt").read_text() for node in lab.testbed.nodes}
    assert all("bridge fdb show" in text and "ip route show table all" in text for text in network.values())
    assert network["node1"].count("dev flannel.1 dst") < network["node3"].count("dev flannel.1 dst")
    assert "KUBE-SERVICES" in (found / "node1-iptables.txt").read_text()
    assert "SYN_SENT" in (found / "node1-conntrack.txt").read_text()
    about = (found / evidence.ABOUT).read_text()
    assert "Not collected" not in about
    assert 0 < seconds(about) < PATIENCE  # two on an idle machine; a busy one takes longer
    assert evidence.size(found) < 1_000_000


def written(out: Path) -> Iterable[tuple[Path, bytes]]:
    """The files below a folder with their contents."""
    return ((path, path.read_bytes()) for path in out.rglob("*") if path.is_file())


def pod() -> dict[str, object]:
    """A pod with secrets in its environment, which its log shows."""
    env = [{"name": "API_TOKEN", "value": SECRET}, {"name": "DB_PASSWORD", "value": OPAQUE}]
    command = ["python3", "-S", "-c", "import os, signal; print(os.environ, flush=True); signal.pause()"]
    container = {"name": "planted", "image": PYTHON_IMAGE, "command": command, "env": env}
    metadata = {"name": "planted", "namespace": NAMESPACES[0]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": [container]}}


def event() -> dict[str, object]:
    """An event with a secret in its message."""
    about = {"kind": "Pod", "namespace": NAMESPACES[0], "name": "a-node1"}
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": "planted", "namespace": NAMESPACES[0]},
        "involvedObject": about,
        "type": "Warning",
        "reason": "Planted",
        "message": f"the API answers 401 to bearer {SECRET}, password: {OPAQUE}",
        "lastTimestamp": "2030-01-01T00:00:00Z",
    }


@pytest.mark.usefixtures("broken")
def test_planted_secrets_are_nowhere(lab: OpenLab, tmp_path: Path) -> None:
    """In the environment of a pod, an event, and an agent's log; the event and the log themselves are evidence."""
    kube, out = lab.testbed.kube, tmp_path / "out"
    objects = [pod(), event()]
    log = f"echo 'planted: Authorization: Bearer {SECRET}, password={OPAQUE}' >> /proc/$(pgrep -x flanneld)/fd/2"
    run_on(lab.testbed.cluster, "node1", ["sh", "-ec", log])
    kube.apply(objects)
    try:
        assert lab.certify(out, "--only", "D05") == {"D05": "failed"}
    finally:
        for item in objects:
            kube.delete(item)
    assert [path for path, data in written(out) if SECRET.encode() in data or OPAQUE.encode() in data] == []
    found = folder(out, "test_pod_to_pod.py-test_every_ordered_pair")
    events = (found / "events.txt").read_text()
    assert "Planted: Pod netproof-x/a-node1: the API answers 401 to bearer [redacted]" in events
    assert "planted: Authorization: [redacted]" in (found / "node1-flanneld-log.txt").read_text()


def test_policies_that_are_not_enforced(tmp_path: Path) -> None:
    """The evidence has the policies in force, the labels of the pods, and packets that pass every hop."""
    with opened(tmp_path / "lab", cni="flannel:vxlan+reference") as lab:
        (engine,) = (agent for agent in lab.testbed.cni.agents if agent.name == "reference-policy")
        stop = f"kill -STOP {engine.pid}"
        for node in lab.testbed.nodes:
            run_on(lab.testbed.cluster, node, ["sh", "-c", stop])
        out = tmp_path / "out"
        assert lab.certify(out, "suites/networkpolicy", "--only", "P62") == {"P62": "failed"}
    found = folder(out, "test_recreated.py")
    assert "No packet was lost" in (found / "path.txt").read_text()
    assert "podSelector" in (found / "networkpolicies.yaml").read_text()
    assert "labels:" in (found / "pods.yaml").read_text()
    assert (found / "node1-reference-policy-log.txt").exists()
    assert seconds((found / evidence.ABOUT).read_text()) < PATIENCE


def test_a_killed_run_reports_how_far_it_came(tmp_path: Path) -> None:
    """A run of a lab that is killed in its middle: a report, and nothing of the lab is left."""
    out = tmp_path / "out"
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "suites/datapath",
        "--cluster",
        "lab",
        "--no-page",
        "--out",
        str(out),
    ]
    with (tmp_path / "output").open("wb") as output:
        process = subprocess.Popen(command, cwd=paths.ROOT, stdout=output, stderr=output, env=os.environ)

    def is_in_the_middle() -> bool:
        path = out / journal.NAME
        text = path.read_text() if path.exists() else ""
        return text.count('"event": "record"') > 5 and '"event": "facts"' in text

    waiting.until(is_in_the_middle, "some cases", patience=PATIENCE)
    processes = with_descendants(process.pid)
    process.send_signal(signal.SIGKILL)
    process.wait()
    waiting.until((out / "metrics.txt").exists, "the report of a killed run", patience=PATIENCE)
    document = json.loads((out / "verdict.json").read_text())
    progress = document["unfinished"]
    assert (document["verdict"], document["exit_code"], document["partial"]) == ("error", 3, True)
    assert 5 < progress["cases"]["ended"] < progress["cases"]["of"]
    assert progress["requirements"]["ended"] < progress["requirements"]["of"]
    assert document["cluster"]["nodes"] == 3
    assert "Not finished" in (out / "report.html").read_text()
    waiting.until(lambda: not alive(processes), "the end of everything", patience=PATIENCE)
