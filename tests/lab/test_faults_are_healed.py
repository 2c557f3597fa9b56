"""A fault on a lab that outlives the run: undone at its end, and by `heal` when the run is killed in the middle."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from fixtures import paths, waiting
from fixtures.faults import catalogue, journal
from fixtures.faults.experiment import Experiment
from fixtures.faults.injection import Injection, placeholders
from suites.chaos.test_faults import differences

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.open_lab import OpenLab

pytestmark = pytest.mark.lab

NODE = "node1"
PATIENCE = 60.0  # seconds until a run has begun to break something; our patience, it takes about three


def start(lab: OpenLab, out: Path, fault: str) -> subprocess.Popen[bytes]:
    """A chaos run of one fault on the open lab."""
    command = [sys.executable, "-m", "pytest", "-q", "suites/chaos", "--no-page", "--only", fault]
    return subprocess.Popen(
        [*command, "--attach", str(lab.out), "--out", str(out)], cwd=paths.ROOT, stdout=subprocess.DEVNULL
    )


def test_flushed_rules_come_back_without_intervention(lab: OpenLab, tmp_path: Path) -> None:
    """F20 on real flanneld: certified as known, back within its five seconds, and nothing is left."""
    run = start(lab, tmp_path / "out", "F20")
    assert run.wait(PATIENCE) == 2, "a SHOULD alone decides nothing"
    document = json.loads((tmp_path / "out" / "verdict.json").read_text())
    (row,) = document["requirements"]
    (case,) = row["cases"]
    fault = case["facts"]["fault"]
    assert (row["verdict"], fault["left"], fault["crashes"]) == ("passed", [], [])
    assert fault["state_seconds"] <= 7
    assert list((tmp_path / "out" / "evidence").glob("**/timeline.html"))
    assert not list(journal.outstanding(tmp_path / "out"))


def test_rules_that_are_back_before_the_first_poll_recovered_unaided(lab: OpenLab, tmp_path: Path) -> None:
    """An agent that repairs F20 before the first probe recovers as known; unaffected traffic is a difference."""
    flushed = catalogue.load()["F20"]
    again = 'GONE=$?; echo "$ALL" | iptables-restore -w -T nat; kill -CONT $(pgrep -xfo "{agent}"); exit $GONE'
    fault = dataclasses.replace(
        flushed,
        # The agent stands still: half a repair of its own would leave rules twice.
        inject=f'kill -STOP $(pgrep -xfo "{{agent}}"); ALL="$(iptables-save -t nat)"\n{flushed.inject}',
        took_effect=f"{flushed.took_effect}; {again}",
    )
    experiment = Experiment(lab.testbed, NODE, catalogue.known_recovery(lab.testbed.cni, "F20"))
    experiment.run(Injection(lab.testbed, fault, NODE, placeholders(lab.testbed, NODE), tmp_path))
    assert (experiment.took_effect, experiment.unseen, differences(experiment)) == (True, True, [])
    (found,) = differences(dataclasses.replace(experiment, unseen=False))
    assert found == "recovery of traffic: observed: not affected; known: without intervention within 5 s"
    (later,) = differences(dataclasses.replace(experiment, traffic=catalogue.Recovery(catalogue.Remedy.UNDO)))
    assert later.startswith("recovery of traffic: observed: only when the fault is undone;")


def test_a_run_killed_in_the_middle_is_healed_by_its_journal(lab: OpenLab, tmp_path: Path) -> None:
    """Kill -9 while a route is gone leaves it gone; heal puts it back, and finds nothing to do after that."""
    out = tmp_path / "out"
    before = lab.testbed.findings()
    run = start(lab, out, "F01")
    try:
        waiting.until(lambda: any(journal.outstanding(out)), "a fault begun", patience=PATIENCE)
        waiting.until(lambda: lab.testbed.findings() != before, "the route gone", patience=PATIENCE)
    finally:
        os.kill(run.pid, signal.SIGKILL)
        run.wait()
    heal = [sys.executable, "-m", "fixtures.commands.heal", str(lab.out), str(out)]
    first = subprocess.run(heal, cwd=paths.ROOT, capture_output=True, text=True, check=True)
    assert first.stdout == f"F01 on {NODE}: undone\n"
    assert lab.testbed.findings() == before
    again = subprocess.run(heal, cwd=paths.ROOT, capture_output=True, text=True, check=True)
    assert not again.stdout
