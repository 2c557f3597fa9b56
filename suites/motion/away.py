"""Flows that are watched while something is away that policies depend on."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fixtures.probes.attempting import Attempts
from fixtures.waiting import NeverHappenedError
from fixtures.workspaces.changing import BEFORE, Watched, steady
from reports.outcome import Inconclusive

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fixtures.probes.windows import Series
    from fixtures.workspaces.judge import Judge
    from fixtures.workspaces.workspace import Workspace
    from policies.model import World
    from suites.motion.scene import Scene

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
    """A time in which agents are away, with the flows that were sent meanwhile.

    Attributes:
        who: the agents.
        begun: the monotonic time at which they went.
        series: the results of the flows; empty before the end.
    """

    who: str
    begun: float = 0.0
    series: Sequence[Series] = ()

    def wrong(self, watched: Sequence[Watched], *, allowed: bool) -> list[str]:
        """The flows that got through although they are denied, or failed for OUTAGE although allowed."""
        lines = []
        for each, series in zip(watched, self.series, strict=True):
            if each.before != allowed:
                continue
            for stretch in series.other_than(connected=allowed):
                seconds = stretch.last - stretch.first
                if not allowed or seconds >= OUTAGE:
                    what = "failed" if allowed else "got through"
                    at = f"{stretch.first - self.begun:+.2f} s, for {seconds:.2f} s"
                    lines.append(f"{self.who}: {each} {what}, {stretch.count} × at {at}")
        return lines


@contextmanager
def sent(workspace: Workspace, watched: Sequence[Watched], away: Away, patience: float) -> Iterator[None]:
    """Send the flows without a pause in a block, which begins when they are as decided.

    Raises:
        Inconclusive: they are not.
    """
    attempts = Attempts(workspace.probers, [each.flow.expected for each in watched], EVERY)
    with attempts.running():
        try:
            steady(attempts, watched, BEFORE, patience, after=False)
        except NeverHappenedError as error:
            raise Inconclusive(f"flows were not right before agents went away: {error}") from error
        away.begun = time.monotonic()
        yield
    by_flow = {series.flow: series for series in attempts.results}
    away.series = [by_flow[each.flow.expected] for each in watched]


def with_new_pod(current: World, state: World, key: str) -> World:
    """A state in which a pod is created again."""
    generations = {pod.key: pod.generation + (pod.key == key) for pod in current.pods}
    return replace(state, pods=tuple(replace(pod, generation=generations[pod.key]) for pod in state.pods))
