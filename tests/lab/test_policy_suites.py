"""The policy suites on a real cluster: the reference engine passes, and planted bugs are found, named and shrunk."""

from __future__ import annotations

import copy
import threading
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from fixtures.clusters.protocol import run_on
from fixtures.probes.judging import DeadServerError
from fixtures.workspaces import pool as pools
from fixtures.workspaces.judge import PATIENCE, Judge, queries
from fixtures.workspaces.probing import StateResult, settle
from fixtures.workspaces.reproducer import text
from fixtures.workspaces.runner import SHRINK_PATIENCE, run_case, search, shrink
from policies import base_world, cases
from policies.families import Family
from policies.histories import generate
from tests.sensitivity import catalogue
from tests.sensitivity.kill import PROFILE, mutate, run_mutant
from tests.sensitivity.main import CNI
from tests.support.open_lab import workspaces_in_lab

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from fixtures.workspaces.pool import WorkspacePool
    from fixtures.workspaces.workspace import Workspace
    from policies.cases import Case
    from policies.model import World

FEW = 6  # stages
HISTORIES, STATES = 30, 1
SOME = ("M014", "M028", "M046", "M074", "M072", "M098", "M119", "M125", "M079", "M087")  # of all tiers


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkspacePool]:
    """Stages on flannel with an engine that can be mutated; it is not at first."""
    with workspaces_in_lab(tmp_path_factory.mktemp("mutable"), FEW, cni=CNI) as made:
        yield made


def states(pool: WorkspacePool, some: list[Case]) -> list[StateResult]:
    """What the last states of cases come to."""
    judge = Judge(queries(Family.IPV4, pool.protocols), PROFILE)

    def one(workspace: Workspace, case: Case) -> StateResult:
        return run_case(workspace, case, judge)[-1]

    return [seen for _, seen in pool.run(some, one, "cases")]


@pytest.mark.lab
def test_the_engine_without_mutant_passes(pool: WorkspacePool) -> None:
    """Every third case of the corpus comes out as it states."""
    mutate(pool, "")
    assert [seen for seen in states(pool, list(cases.corpus())[::3]) if not seen.right] == []


@contextmanager
def silenced(workspace: Workspace, key: str) -> Iterator[Callable[[], object]]:
    """The server of a stage's pod stands still; gives what lets it go on, which the end does in any case."""
    pod = workspace.pods[key]
    mine = f"grep -qsxz NETPROOF_IDENTITY={pod.key} /proc/$one/environ"
    which = f"for one in $(pgrep -f 'main.py serve'); do {mine} && kill -SIGNAL $one; done; true"

    def signal(name: str) -> None:
        run_on(workspace.testbed.cluster, pod.node, ["sh", "-c", which.replace("SIGNAL", name)])

    signal("STOP")
    try:
        yield lambda: signal("CONT")
    finally:
        signal("CONT")


@pytest.mark.lab
def test_a_real_engine_has_a_pace_and_one_that_fails_its_exam_is_left_to_its_cases(
    pool: WorkspacePool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine follows a label within seconds; one that never does (M117) keeps stages and patience."""
    assert 0 < pool.slowest < PATIENCE
    monkeypatch.setattr(pools, "CALIBRATION_PATIENCE", 3.0)
    made = copy.copy(pool)
    made.workspaces, made.alone, made.patience = list(pool.workspaces), None, PATIENCE
    mutate(pool, "M117")
    try:
        made._calibrate()
    finally:
        mutate(pool, "")
    assert (made.workspaces, made.alone, made.patience) == (pool.workspaces, None, PATIENCE)


@pytest.mark.lab
def test_a_server_that_stands_still_says_nothing_of_flows(pool: WorkspacePool) -> None:
    """While it stands still nothing is called wrong; where that ends in time it was only on the way."""
    mutate(pool, "")
    workspace = pool.workspaces[0]
    judge = Judge(queries(Family.IPV4, pool.protocols), PROFILE)
    key = base_world.KEYS[0]
    with silenced(workspace, key):
        seen = settle(workspace, workspace.world, replace(judge, patience=2))
    assert seen.dead
    with pytest.raises(DeadServerError):
        _ = seen.wrong
    with silenced(workspace, key) as go_on:
        timer = threading.Timer(2, go_on)
        timer.start()
        seen = settle(workspace, workspace.world, replace(judge, patience=20))
        timer.join()
    assert seen.right
    assert all(f"{key} → {key} (" in line and "127.0.0.1:" in line for line in seen.on_the_way)
    assert seen.on_the_way


@pytest.mark.lab
@pytest.mark.parametrize("identity", SOME)
def test_a_historical_bug_is_found(pool: WorkspacePool, identity: str) -> None:
    """A mutant of each tier is found by a requirement that is meant to find it (the rest: nox -s sensitivity)."""
    mutant = next(mutant for mutant in catalogue.load() if mutant.id == identity)
    result = run_mutant(pool, mutant)
    assert result.killed_by, "it survived"
    assert not result.error
    assert result.as_expected, f"killed by {result.killed_by}, which is about {result.requirements}"


def _replaces_pods(history: tuple[World, ...]) -> bool:
    """Whether pods are created again: that takes seconds, and a wrong flow through their Services thirty."""
    return history[0].layout > 0 or any(pod.generation for world in history for pod in world.pods)


@pytest.mark.lab
def test_a_planted_bug_is_found_by_generated_states_and_shrunk(pool: WorkspacePool, tmp_path: Path) -> None:
    """Exceptions taken out of all blocks of a policy: two policies and three pods at most say it all."""
    mutate(pool, "M032")
    judge = Judge(queries(Family.IPV4, pool.protocols), PROFILE, agree=1, patience=SHRINK_PATIENCE)
    rows = [history for history in generate(HISTORIES, STATES, Family.IPV4, 5) if not _replaces_pods(history)]

    found = search(pool, rows, judge, "generated states")
    assert found.seen is not None
    small, seen, tried = shrink(pool, found.history, found.seen, judge)
    assert tried > 0
    assert len(small) == 1
    assert len(small[-1].policies) <= 2
    assert len({end for flow, _ in seen.wrong[:1] for end in (flow.source, flow.destination)}) <= 3
    path = tmp_path / "reproducer.yaml"
    path.write_text(text(small, seen, Family.IPV4))
    (again,) = cases.load(path.read_text(), str(path))
    assert states(pool, [again])[0].wrong
    mutate(pool, "")
    assert states(pool, [again])[0].right
