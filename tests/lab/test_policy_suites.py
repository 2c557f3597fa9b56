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
from fixtures.workspaces import pool as campaigns
from fixtures.workspaces.judge import PATIENCE, VERSION, Judge, queries
from fixtures.workspaces.probing import Seen, settle
from fixtures.workspaces.reproducer import text
from fixtures.workspaces.runner import SHRINK_PATIENCE, play_case, search, shrink
from policies import base_world as stage
from policies import cases, covering
from policies.histories import generate
from tests.sensitivity import catalogue
from tests.sensitivity.kill import PROFILE, hunt, mutate
from tests.sensitivity.main import CNI
from tests.support.open_lab import staged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from fixtures.workspaces.pool import Campaign
    from fixtures.workspaces.workspace import LiveStage
    from policies.cases import Case
    from policies.model import World

FEW = 6  # stages
HISTORIES, STATES = 10, 4
SOME = ("M014", "M028", "M046", "M074", "M072", "M098", "M119", "M125", "M079", "M087")  # of all tiers


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Campaign]:
    """Stages on flannel with an engine that can be mutated; it is not at first."""
    with staged(tmp_path_factory.mktemp("mutable"), FEW, cni=CNI) as made:
        yield made


def states(campaign: Campaign, some: list[Case]) -> list[Seen]:
    """What the last states of cases come to."""
    judge = Judge(queries("ipv4", campaign.protocols), PROFILE)

    def one(live: LiveStage, case: Case) -> Seen:
        return play_case(live, case, judge)[-1]

    return [seen for _, seen in campaign.run(some, one, "cases")]


@pytest.mark.lab
def test_the_engine_without_mutant_passes(campaign: Campaign) -> None:
    """Every third case of the corpus comes out as it states."""
    mutate(campaign, "")
    assert [seen for seen in states(campaign, list(cases.corpus())[::3]) if not seen.right] == []


@contextmanager
def silenced(live: LiveStage, key: str) -> Iterator[Callable[[], object]]:
    """The server of a stage's pod stands still; gives what lets it go on, which the end does in any case."""
    pod = live.pods[key]
    mine = f"grep -qsxz NETPROOF_IDENTITY={pod.key} /proc/$one/environ"
    which = f"for one in $(pgrep -f 'main.py serve'); do {mine} && kill -SIGNAL $one; done; true"

    def signal(name: str) -> None:
        run_on(live.testbed.cluster, pod.node, ["sh", "-c", which.replace("SIGNAL", name)])

    signal("STOP")
    try:
        yield lambda: signal("CONT")
    finally:
        signal("CONT")


@pytest.mark.lab
def test_a_real_engine_has_a_pace_and_one_that_fails_its_exam_is_left_to_its_cases(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine follows a label within seconds; one that never does (M117) keeps stages and patience."""
    assert 0 < campaign.slowest < PATIENCE
    monkeypatch.setattr(campaigns, "EXAM_PATIENCE", 3.0)
    made = copy.copy(campaign)
    made.stages, made.alone, made.patience = list(campaign.stages), None, PATIENCE
    mutate(campaign, "M117")
    try:
        made._pace()
    finally:
        mutate(campaign, "")
    assert (made.stages, made.alone, made.patience) == (campaign.stages, None, PATIENCE)


@pytest.mark.lab
def test_a_server_that_stands_still_says_nothing_of_flows(campaign: Campaign) -> None:
    """While it stands still nothing is called wrong; where that ends in time it was only on the way."""
    mutate(campaign, "")
    live = campaign.stages[0]
    judge = Judge(queries("ipv4", campaign.protocols), PROFILE)
    key = stage.KEYS[0]
    with silenced(live, key):
        seen = settle(live, live.world, replace(judge, patience=2))
    assert seen.dead
    with pytest.raises(DeadServerError):
        _ = seen.wrong
    with silenced(live, key) as go_on:
        timer = threading.Timer(2, go_on)
        timer.start()
        seen = settle(live, live.world, replace(judge, patience=20))
        timer.join()
    assert seen.right
    assert all(f"{key} → {key} (" in line and "127.0.0.1:" in line for line in seen.on_the_way)
    assert seen.on_the_way


@pytest.mark.lab
@pytest.mark.parametrize("identity", SOME)
def test_a_historical_bug_is_found(campaign: Campaign, identity: str) -> None:
    """A mutant of each tier is found by a requirement that is meant to find it (the rest: nox -s sensitivity)."""
    mutant = next(mutant for mutant in catalogue.load() if mutant.id == identity)
    kill = hunt(campaign, mutant)
    assert kill.by, "it survives"
    assert not kill.broken
    assert kill.related, f"found by {kill.by}, which is about {kill.requirements}"


@pytest.mark.lab
def test_a_planted_bug_is_found_by_generated_states_and_shrunk(campaign: Campaign, tmp_path: Path) -> None:
    """Exceptions taken out of all blocks of a policy: two policies and three pods at most say it all."""
    mutate(campaign, "M032")
    judge = Judge(queries("ipv4", campaign.protocols), PROFILE, agree=1, patience=SHRINK_PATIENCE)
    address = stage.ON_PAPER[stage.OUTSIDE][0]
    rows: list[tuple[World, ...]] = [(covering.world(row, address),) for row in covering.array()]
    rows += generate(HISTORIES, STATES, VERSION["ipv4"], 1)

    found = search(campaign, rows, judge, "generated states")
    assert found.seen is not None
    small, seen, tried = shrink(campaign, found.history, found.seen, judge)
    assert tried > 0
    assert len(small) == 1
    assert len(small[-1].policies) <= 2
    assert len({end for flow, _ in seen.wrong[:1] for end in (flow.source, flow.destination)}) <= 3
    path = tmp_path / "reproducer.yaml"
    path.write_text(text(small, seen, VERSION["ipv4"]))
    (again,) = cases.load(path.read_text(), str(path))
    assert states(campaign, [again])[0].wrong
    mutate(campaign, "")
    assert states(campaign, [again])[0].right
