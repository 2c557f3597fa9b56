"""Connections that were made before a change of policies, and before an agent is replaced: T08, T09."""

from __future__ import annotations

import itertools
import time
from collections import Counter
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from fixtures import waiting
from fixtures.clusters.protocol import BREAKABLE
from fixtures.cnis import agents
from fixtures.workspaces.changing import kind_of, single_changes, watch
from fixtures.workspaces.probing import flows, settle
from policies.oracle import Path
from reports.outcome import Refuted
from suites.motion import scene
from suites.support.marks import changes_agents, disturbs, needs, requirement
from suites.support.motion import histories, judge_of
from suites.support.workspaces import require_right

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pytest

    from fixtures.probes.prober import Prober
    from fixtures.probes.results import ContinuousFlow
    from fixtures.testbed.testbed import Testbed
    from fixtures.workspaces.changing import Watched
    from fixtures.workspaces.judge import Judge
    from fixtures.workspaces.pool import WorkspacePool
    from fixtures.workspaces.workspace import Workspace
    from policies.families import Family
    from policies.model import World
    from suites.support.expect import Expect

EVERY = 0.02  # seconds between two sends of a flow
BEFORE, AFTER = 0.3, 1.5  # seconds for which flows are observed before a change, and after it
OUTAGE = 1.0  # seconds without an answer that users notice: the requirement
CHANGES = 12
ENDING = 1.0  # seconds before the end of the observation up to which a gap is taken to last: flows are stopped in turn
NAME = "established"
NUMBERS = itertools.count(1)


@dataclass(frozen=True)
class Connection:
    """A flow of which each packet belongs to one connection, or one pair of UDP ports.

    Attributes:
        watched: the flow, and whether a new connection is allowed before and after the change.
        result: what was sent and answered.
        since: seconds from the change to the last answer; None if answers came until the end.
    """

    watched: Watched
    result: ContinuousFlow
    since: float | None

    @property
    def fate(self) -> str:
        """What happened to it."""
        if self.result.broken:
            return "ended"
        return "kept" if self.since is None else "no answers"

    def __str__(self) -> str:
        seconds = "" if self.since is None else f", the last answer {self.since:+.2f} s after the change"
        return f"{self.watched} {self.fate}{seconds}, the longest gap {self.result.longest:.2f} s"


class Connections:
    """Flows on one connection each, from several probes."""

    def __init__(self, workspace: Workspace, watched: Sequence[Watched]) -> None:
        self.workspace = workspace
        self.watched = [each for each in watched if each.before and each.flow.query.path is Path.POD_IP]

    @contextmanager
    def open(self) -> Iterator[None]:
        """Open them, observe them for BEFORE seconds, and close them after a block; then `results` has what happened.

        Raises:
            NetproofError: a probe is gone.
        """
        self.results: list[ContinuousFlow] = []
        with ExitStack() as stack:
            for each in self.watched:
                target, prober = each.flow.expected.target, self.workspace.probers[each.flow.source]
                name = f"{NAME}-{next(NUMBERS)}"
                prober.start_flows(name, [target], [target.protocol], EVERY)
                stack.callback(self._stop, prober, name)
            waiting.observe(BEFORE)
            yield
        self.results.reverse()  # the last one was stopped first

    def _stop(self, prober: Prober, name: str) -> None:
        self.results += prober.stop_flows(name)

    def since(self, changed: float) -> list[Connection]:
        """What happened to each since a change, at a time of the wall clock."""
        ended = time.time()
        pairs = zip(self.watched, self.results, strict=True)
        return [_connection(each, result, changed, ended) for each, result in pairs]


def _connection(watched: Watched, result: ContinuousFlow, changed: float, ended: float) -> Connection:
    last = result.gaps[-1] if result.gaps else None
    lasting = last is not None and last.begin + last.seconds > ended - ENDING
    return Connection(watched, result, last.begin - changed if last and lasting else None)


def require_kept(found: Sequence[Connection], what: str, during: tuple[float, float]) -> None:
    """Connections that policies allow before and after go on.

    Raises:
        Refuted: one ended, or had no answer for OUTAGE seconds.
    """
    harmed = [
        each
        for each in found
        if each.watched.after and each.result.answered and (each.result.broken or each.result.longest >= OUTAGE)
    ]
    if harmed:
        raise Refuted(f"{what}:\n" + "\n".join(map(str, harmed)), during)


def profile(found: Sequence[Connection], kind: str) -> Counter[str]:
    """What happened to connections that a change denies, by protocol, kind of change and fate."""
    denied = (each for each in found if not each.watched.after and each.result.answered)
    return Counter(f"{each.watched.flow.query.protocol}, {kind}: {each.fate}" for each in denied)


@requirement("T08")
@needs("network-policy")
@disturbs
def test_connections_outlive_changes(
    pool: WorkspacePool, family: Family, expect: Expect, pytestconfig: pytest.Config
) -> None:
    """Established connections that policies allow before and after a change go on; the fate of others is a fact."""
    workspace, judge = pool.workspaces[0], judge_of(pool, family)
    fates: Counter[str] = Counter()
    try:
        for world in itertools.islice(settled(workspace, judge, family, expect, pytestconfig.option.seed), CHANGES):
            fates += observe_change(workspace, world, judge, AFTER + pool.slowest)
    finally:
        expect.facts["connections that a change denies"] = dict(sorted(fates.items()))
        workspace.reset()


def settled(workspace: Workspace, judge: Judge, family: Family, expect: Expect, seed: int) -> Iterator[World]:
    """States that differ from the current one in one object; the workspace is settled in the current one."""
    for first, *later in histories(family, seed):
        world = workspace.with_live_addresses(first)
        require_right(settle(workspace, world, judge), judge, expect, "a state is wrong before it changes")
        for state in later:
            for world in single_changes(workspace.world, workspace.with_live_addresses(state)):
                yield world
                require_right(settle(workspace, world, judge), judge, expect, "a state is wrong")


def observe_change(workspace: Workspace, world: World, judge: Judge, after: float) -> Counter[str]:
    """Apply a state while connections are open, for some seconds after it; what happened to those that it denies."""
    random, kind = Random(0), kind_of(workspace.world, world)  # noqa: S311 - choices
    now, then = flows(workspace, workspace.world, judge), flows(workspace, world, judge)
    connections = Connections(workspace, watch(now, then, random))
    begun = time.monotonic()
    with connections.open():
        workspace.apply_state(world)
        changed = time.time()
        waiting.observe(after)
    found = connections.since(changed)
    require_kept(found, kind, (begun, time.monotonic()))
    return profile(found, kind)


@requirement("T09")
@needs("network-policy", BREAKABLE)
@disturbs
@changes_agents
def test_connections_outlive_agents(testbed: Testbed, pool: WorkspacePool, family: Family, expect: Expect) -> None:
    """Established connections that policies allow go on while each agent of the first node is replaced."""
    workspace, judge = pool.workspaces[0], judge_of(pool, family)
    place = scene.of(workspace, judge)
    try:
        require_right(settle(workspace, place.world, judge), judge, expect, "the state is wrong before")
        connections = Connections(workspace, place.watched)
        begun, changed = time.monotonic(), time.time()
        with connections.open():
            for agent in testbed.cni.agents:
                agents.replace(testbed.kube, agent, testbed.nodes[0], len(testbed.nodes))
            waiting.observe(AFTER + pool.slowest)
        found = connections.since(changed)
        require_kept(found, "while agents were replaced", (begun, time.monotonic()))
    finally:
        workspace.reset()
