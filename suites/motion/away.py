"""Flows that are watched while something is away that policies depend on."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from fixtures.cnis.placeholders import Placeholder
from fixtures.faults import injection
from fixtures.probes.attempting import Attempts
from fixtures.waiting import NeverHappenedError
from fixtures.workspaces.changing import BEFORE, Watched, steady
from fixtures.workspaces.probing import settle
from policies.families import Family
from reports import evidence, timeline
from reports.outcome import Inconclusive, Refuted
from suites.motion import scene
from suites.support.motion import judge_of
from suites.support.workspaces import require_right

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from fixtures.faults.catalogue import Fault
    from fixtures.probes.windows import Series
    from fixtures.testbed.testbed import Testbed
    from fixtures.workspaces.judge import Judge
    from fixtures.workspaces.pool import WorkspacePool
    from fixtures.workspaces.workspace import Workspace
    from policies.model import World
    from suites.motion.scene import Scene
    from suites.support.expect import Expect

OUTAGE = 1.0  # seconds without a connection that users notice: the requirement
AFTER = 2.0  # seconds of flows after something is back: agents write their rules anew then
NOTICED = 60.0  # seconds until a client notices that its connection is gone; our patience, client-go takes 30
EVERY = 0.04  # seconds between two flows of a kind
SHOWN = 10


@dataclass(frozen=True)
class Place:
    """A workspace in a settled state with denied and allowed flows.

    Attributes:
        workspace: the workspace.
        scene: its states.
        judge: its judge.
        after: seconds of flows after agents are back, in which a slow engine writes its rules anew.
    """

    workspace: Workspace
    scene: Scene
    judge: Judge
    after: float


@dataclass
class Away:
    """A time in which something is away, with the flows that were sent meanwhile.

    Attributes:
        what: what is away.
        watched: the flows; policies decide the same of each all the time.
        begun: the monotonic time at which it went.
        ended: the monotonic time of the last flow.
        series: the results of the flows; empty before the end.
    """

    what: str
    watched: Sequence[Watched]
    begun: float = 0.0
    ended: float = 0.0
    series: Sequence[Series] = ()

    def require(self, *, allowed: bool) -> None:
        """Require that no denied flow got through, or that no allowed one failed for OUTAGE seconds.

        Raises:
            Refuted: one did.
        """
        lines = []
        for each, series in zip(self.watched, self.series, strict=True):
            if each.before != allowed:
                continue
            for stretch in series.other_than(connected=allowed):
                seconds = stretch.last - stretch.first
                if not allowed or seconds >= OUTAGE:
                    outcome = "failed" if allowed else "got through"
                    at = f"{stretch.first - self.begun:+.2f} s, for {seconds:.2f} s"
                    lines.append(f"{self.what}: {each} {outcome}, {stretch.count} × at {at}")
        if lines:
            raise Refuted("\n".join(lines[:SHOWN]), (self.begun, self.ended) if allowed else None)

    def judge(self, expect: Expect) -> None:
        """Report the flows, and require that each was as policies decide.

        Raises:
            Refuted: a denied flow got through, or an allowed one failed for OUTAGE seconds.
        """
        self.draw(expect.evidence)
        expect.facts["flows"] = self.count
        self.require(allowed=False)
        self.require(allowed=True)

    @property
    def count(self) -> int:
        """The number of flows that were sent."""
        return sum(series.count for series in self.series)

    def draw(self, evidence_folder: Path) -> None:
        """Add a timeline of the flows to the report: denied ones that got through, and allowed ones that failed."""
        rows = []
        for each, series in zip(self.watched, self.series, strict=True):
            wrong = [
                timeline.Outage(stretch.first - self.begun, max(series.every, stretch.last - stretch.first))
                for stretch in series.other_than(connected=each.before)
            ]
            kind = f"{each.flow.query.protocol} {'allowed' if each.before else 'denied'}"
            longest = max((outage.seconds for outage in wrong), default=0.0)
            rows.append(timeline.Row(kind, each.flow.source, each.flow.destination, longest, tuple(wrong)))
        marks = [(0.0, "it goes"), (self.ended - self.begun, "the last flow")]
        page = timeline.draw(f"Wrong flows while this was away: {self.what}", rows, marks)
        evidence.attach_page(f"timeline {self.what}", page, evidence_folder)


@contextmanager
def sent(workspace: Workspace, away: Away, patience: float) -> Iterator[None]:
    """Send the flows without a pause in a block, which begins when they are as decided.

    Raises:
        Inconclusive: they are not.
    """
    attempts = Attempts(workspace.probers, [each.flow.expected for each in away.watched], EVERY)
    with attempts.running():
        try:
            steady(attempts, away.watched, BEFORE, patience, after=False)
        except NeverHappenedError as error:
            raise Inconclusive(f"flows were not right before: {error}") from error
        away.begun = time.monotonic()
        yield
    away.ended = time.monotonic()
    by_flow = {series.flow: series for series in attempts.results}
    away.series = [by_flow[each.flow.expected] for each in away.watched]


def with_new_pod(current: World, state: World, key: str) -> World:
    """A state in which a pod is created again."""
    generations = {pod.key: pod.generation + (pod.key == key) for pod in current.pods}
    return replace(state, pods=tuple(replace(pod, generation=generations[pod.key]) for pod in state.pods))


@contextmanager
def placed(pool: WorkspacePool, family: Family, expect: Expect) -> Iterator[Place]:
    """A workspace in a settled state; without policies after the block."""
    if len(pool.testbed.nodes) < 2 or family != Family.IPV4:
        pytest.skip("the faults are written for IPv4 and two nodes at least")
    workspace, judge = pool.workspaces[0], judge_of(pool, family)
    found = scene.of(workspace, judge)
    try:
        require_right(settle(workspace, found.world, judge), judge, expect, "the state is wrong before agents go away")
        yield Place(workspace, found, judge, AFTER + pool.slowest)
    finally:
        workspace.reset()


@contextmanager
def injected(testbed: Testbed, fault: Fault, node: str, out: Path, process: str = "") -> Iterator[None]:
    """A fault during a block.

    Args:
        testbed: the cluster.
        fault: the fault.
        node: the victim; a fault with a host of its own does not use it.
        out: the folder of the journal.
        process: the command line of the process that it concerns, a regular expression.

    Raises:
        Inconclusive: it did not take effect.
    """
    values = {**injection.placeholders(testbed, node), Placeholder.AGENT: process}
    with injection.Injection(testbed, fault, fault.host or node, values, out) as running:
        if not running.took_effect:
            raise Inconclusive(f"{fault.id} had no effect on {fault.host or node} {process}".rstrip())
        yield
