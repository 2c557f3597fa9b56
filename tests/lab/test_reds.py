"""Every check can fail: a break, the requirements it turns red, named neighbours that stay green, and a heal.

breaks.yaml is the table; NETPROOF_BREAKS=all (`nox -s breaks`) tries all of it, else what it marks ci.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from fixtures import waiting
from fixtures.clusters.protocol import run_on
from fixtures.cnis import install
from fixtures.cnis.placeholders import fill
from fixtures.kube import client as kube
from fixtures.probes import pods as probe_pods
from tests.lab import breaks

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.lab.breaks import Break
    from tests.support.open_lab import OpenLab

pytestmark = pytest.mark.lab

PATIENCE = 20.0  # seconds until the plugin's own state is right again after a heal; our patience
TRIES = 4  # on a busy machine; our patience
LASTING = {"D63"}  # restarts of containers stay counted
CHOSEN = [one for one in breaks.load() if one.ci or os.environ.get("NETPROOF_BREAKS") == "all"]


def wait_until_healed(lab: OpenLab) -> None:
    """Wait until the agents run and the plugin's own audits find nothing."""
    testbed = lab.testbed
    install.wait_until_works(testbed.cluster, testbed.kube, testbed.cni)
    waiting.until(lambda: not testbed.findings(), "the plugin's state as before", patience=PATIENCE)


def annotate(lab: OpenLab, node: str, annotations: dict[str, str | None]) -> None:
    """Set annotations of a node; None removes one."""
    body = {"metadata": {"annotations": annotations}}
    lab.testbed.kube.request("PATCH", f"/api/v1/nodes/{node}", body, content=kube.MERGE)


def create(lab: OpenLab, case: Break, values: Mapping[str, str]) -> None:
    """What a break does in the API; pods are waited for."""
    kube = lab.testbed.kube
    if case.patch:
        annotate(lab, case.node, {key: fill(value, values) for key, value in case.patch.items()})
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


def conclusive(lab: OpenLab, out: Path, requirements: set[str]) -> dict[str, str]:
    """The verdicts of some requirements; on a machine that was too late for them it tries again, and shows that."""
    for attempt in range(1, TRIES + 1):
        verdicts = lab.certify(out / str(attempt), "--only", ",".join(sorted(requirements)))
        if "inconclusive" not in verdicts.values():
            break
        print(f"attempt {attempt} of {TRIES}: {verdicts}")  # noqa: T201 - pytest shows it with a failure
    return verdicts


@pytest.mark.parametrize("case", CHOSEN, ids=lambda case: case.name.replace(" ", "-"))
def test_a_break_turns_its_requirements_red_and_not_its_neighbours(lab: OpenLab, tmp_path: Path, case: Break) -> None:
    """The requirements that a break concerns fail, its neighbours pass, and once it is undone all of them pass."""
    values = breaks.placeholders(lab.testbed, case.node)

    def run(script: str) -> None:
        run_on(lab.testbed.cluster, case.node, ["sh", "-ec", fill(script, values)])

    with ExitStack() as after:
        after.callback(wait_until_healed, lab)
        after.callback(run, case.heal)
        run(case.inject)
        after.callback(delete, lab, case)
        create(lab, case, values)
        broken, said = conclusive(lab, tmp_path / "broken", {*case.red, *case.green}), lab.failures
    healed = conclusive(lab, tmp_path / "healed", {*case.red, *case.green} - LASTING)
    assert broken == dict.fromkeys(case.red, "failed") | dict.fromkeys(case.green, "passed"), said
    assert set(healed.values()) == {"passed"}, lab.failures or healed
