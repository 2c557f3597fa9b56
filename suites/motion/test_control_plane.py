"""Policies while the API server or etcd is down, and after that: F48, F49, F50."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from fixtures import waiting
from fixtures.faults import catalogue
from fixtures.workspaces.probing import settle
from suites.motion.away import NOTICED, Away, injected, sent, with_new_pod
from suites.support.marks import changes_agents, disturbs, needs, requirement, title
from suites.support.workspaces import require_right

if TYPE_CHECKING:
    from pathlib import Path

    from fixtures.faults.catalogue import Fault
    from fixtures.testbed.testbed import Testbed
    from policies.model import World
    from suites.motion.away import Place
    from suites.support.expect import Expect

DOWN = 10.0  # seconds for which the control plane is down while flows are watched
SHORT = 3.0  # seconds for which it is down while objects change
NODES_ONLY = "F50"  # the fault during which others than nodes reach the API server, so that it can change
FAULTS = [
    pytest.param(fault, id=fault.id, marks=[requirement(fault.id), title(fault.sentence), needs(*fault.needs)])
    for fault in catalogue.load().values()
    if fault.host
]


def watch(testbed: Testbed, place: Place, expect: Expect, out: Path, fault: Fault) -> None:
    """Watch flows while nothing changes but that the control plane goes down and comes back.

    Raises:
        Refuted: a denied flow got through, or an allowed one failed for OUTAGE seconds.
    """
    away = Away(fault.id, place.scene.watched)
    with sent(place.workspace, away, place.judge.patience):
        with injected(testbed, fault, testbed.nodes[0], out):
            waiting.observe(DOWN)
        waiting.observe(place.after)
    away.judge(expect)


def change(testbed: Testbed, place: Place, expect: Expect, out: Path, fault: Fault) -> None:
    """Change policies and labels, and create all pods again, during an outage, or at once after it.

    Raises:
        Refuted: some of it does not count within NOTICED.
    """
    workspace, judge = place.workspace, replace(place.judge, patience=max(place.judge.patience, NOTICED))
    later = workspace.with_live_addresses(place.scene.later)
    again = pods_created_again(later)

    def apply() -> None:
        workspace.apply_state(later)
        workspace.replace_pods(again)

    with ThreadPoolExecutor(1) as background:
        with injected(testbed, fault, testbed.nodes[0], out):
            under_way = background.submit(apply) if fault.id == NODES_ONLY else None
            waiting.observe(SHORT)
        (under_way or background.submit(apply)).result()
    state = settle(workspace, workspace.with_live_addresses(again), judge)
    require_right(state, judge, expect, f"what changed during {fault.id} does not count after it")
    expect.facts["seconds until changes counted, of Services too"] = state.seconds


def pods_created_again(world: World) -> World:
    """A state in which every pod is created again."""
    for pod in world.pods:
        world = with_new_pod(world, world, pod.key)
    return world


@pytest.mark.parametrize("fault", FAULTS)
@needs("network-policy")
@disturbs
@changes_agents
def test_policies_while_the_control_plane_is_down(
    testbed: Testbed, place: Place, expect: Expect, out: Path, fault: Fault
) -> None:
    """Policies count as before during an outage; objects that change and pods that are created then count after it."""
    watch(testbed, place, expect, out, fault)
    change(testbed, place, expect, out, fault)
