"""Every check can fail: a break, the requirements it turns red, and named neighbours that stay green.

breaks.yaml is the table; NETPROOF_BREAKS=all (`nox -s breaks`) tries all of it, else what it marks ci.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from fixtures import waiting
from fixtures.clusters.protocol import run_on
from fixtures.cnis import install
from fixtures.kube import client as kube
from fixtures.probes import pods as probe_pods
from fixtures.testbed import services

if TYPE_CHECKING:
    from fixtures.kube.client import Object
    from tests.support.open_lab import OpenLab

pytestmark = pytest.mark.lab

TABLE = Path(__file__).parent / "breaks.yaml"
PATIENCE = 20.0  # seconds until the plugin's own state is right again after a heal; our patience


@dataclass(frozen=True)
class Break:
    """One thing that is broken on a node.

    Attributes:
        name: what somebody did, in words.
        inject: shell commands that do it.
        heal: shell commands that undo it.
        red: requirements that have to fail.
        green: neighbours that have to pass.
        node: where.
        ci: whether it is tried on every commit.
        objects: what is created for it in the API, and deleted before the heal.
        patch: annotations that the node gets.
    """

    name: str
    inject: str
    heal: str
    red: tuple[str, ...]
    green: tuple[str, ...]
    node: str = "node1"
    ci: bool = False
    objects: tuple[Object, ...] = ()
    patch: dict[str, str] = field(default_factory=dict)


BREAKS = [
    Break(**{**row, "red": tuple(row["red"]), "green": tuple(row["green"]), "objects": tuple(row.get("objects", ()))})
    for row in yaml.safe_load(TABLE.read_text())
]
CHOSEN = [one for one in BREAKS if one.ci or os.environ.get("NETPROOF_BREAKS") == "all"]


def words(lab: OpenLab, node: str) -> dict[str, str]:
    """What the commands refer to: the node, its next peer, two pods of it, Services."""
    testbed = lab.testbed
    known = testbed.words(node)
    peer = next(other for other in testbed.nodes if other != node)
    kinds = services.Services(testbed)
    own = testbed.snapshot().nodes[node].link("flannel.1") or {}
    taken = sorted(ip_address(pod.ip()) for pod in testbed.pods_on(node))
    return {
        "pods": "10.244.0.0/16",
        "own_cidr": testbed.topology.pod_cidr(testbed.nodes.index(node), "ipv4"),
        "own_mac": str(own.get("address", "")),
        "peer_cidr": testbed.topology.pod_cidr(testbed.nodes.index(peer), "ipv4"),
        "peer_vtep": known["far_vtep"],
        "peer_mac": known["far_mac"],
        "peer_ip": known["far_ip"],
        "peer_pod": testbed.pods_on(peer)[0].ip(),
        "pod_a": testbed.pods_on(node)[0].ip(),
        "pod_b": testbed.pods_on(node)[1].ip(),
        "before_pod_a": str(ip_address(testbed.pods_on(node)[0].ip()) - 1),
        "next_ip": str(taken[-1] + 1),
        "last_ip": str(ip_network(testbed.topology.pod_cidr(testbed.nodes.index(node), "ipv4"))[250]),
        "outside": testbed.topology.outside_ip("ipv4"),
        "home_pod": kinds.endpoint.ip(),
        "inside_ip": kinds.cluster_ip("inside", "ipv4"),
        "local_port": str(kinds.node_port("local", "tcp")),
    }


def wait_until_healed(lab: OpenLab) -> None:
    """Wait until the agents run and the plugin's own audits find nothing."""
    testbed = lab.testbed
    install.wait_until_works(testbed.cluster, testbed.kube, testbed.cni)
    waiting.until(lambda: not testbed.findings(), "the plugin's state as before", patience=PATIENCE)


def annotate(lab: OpenLab, node: str, annotations: dict[str, str | None]) -> None:
    """Set annotations of a node; None removes one."""
    body = {"metadata": {"annotations": annotations}}
    lab.testbed.kube.request("PATCH", f"/api/v1/nodes/{node}", body, content=kube.MERGE)


def create(lab: OpenLab, case: Break, names: dict[str, str]) -> None:
    """What a break does in the API; pods are waited for."""
    kube = lab.testbed.kube
    if case.patch:
        annotate(lab, case.node, {key: value.format(**names) for key, value in case.patch.items()})
    kube.apply(case.objects)
    pods = [item["metadata"] for item in case.objects if item["kind"] == "Pod"]
    probe_pods.wait_ready(kube, [(pod["namespace"], pod["name"]) for pod in pods], PATIENCE)


def delete(lab: OpenLab, case: Break) -> None:
    """Undo that, and wait until it is gone."""
    kube = lab.testbed.kube
    if case.patch:
        annotate(lab, case.node, dict.fromkeys(case.patch))
    for item in case.objects:
        kube.delete(item)
    names = {item["metadata"]["name"] for item in case.objects if item["kind"] == "Pod"}

    def gone() -> bool:
        return not names & {pod["metadata"]["name"] for pod in kube.pods("")}

    waiting.until(gone, f"{len(names)} pods gone", patience=PATIENCE)


@pytest.mark.parametrize("case", CHOSEN, ids=lambda case: case.name.replace(" ", "-"))
def test_a_break_turns_its_requirements_red_and_not_its_neighbours(lab: OpenLab, tmp_path: Path, case: Break) -> None:
    """What is broken is named by the requirements it concerns, and its neighbours still pass."""
    names = words(lab, case.node)

    def run(script: str) -> None:
        for name, value in names.items():
            script = script.replace(f"{{{name}}}", value)
        run_on(lab.testbed.cluster, case.node, ["sh", "-ec", script])

    with ExitStack() as after:
        after.callback(wait_until_healed, lab)
        after.callback(run, case.heal)
        run(case.inject)
        after.callback(delete, lab, case)
        create(lab, case, names)
        verdicts = lab.certify(tmp_path, "--only", ",".join(case.red + case.green))
    assert verdicts == dict.fromkeys(case.red, "failed") | dict.fromkeys(case.green, "passed")


def test_the_healed_lab_passes_again(lab: OpenLab, tmp_path: Path) -> None:
    """After every heal everything passes as before the first break, but for restarts that cannot be undone."""
    verdicts = lab.certify(tmp_path)
    wrong = {identity for identity, verdict in verdicts.items() if verdict not in {"passed", "unsupported"}}
    assert wrong <= {"D63", "N01"}  # N01: the bridge plugin announces no address


def test_the_table_is_sound() -> None:
    """At least forty breaks with names of their own, and words that do not run out."""
    assert len({one.name for one in BREAKS}) == len(BREAKS)
    assert len(BREAKS) >= 40
    assert sum(len(one.red) for one in BREAKS) >= len(BREAKS)
