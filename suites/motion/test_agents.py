"""Policies while agents and their way to the API server are away: T03, T04, T05."""

from __future__ import annotations

import shlex
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from fixtures import waiting
from fixtures.clusters.protocol import BREAKABLE, run_on
from fixtures.cnis import agents, install
from fixtures.cnis.placeholders import Placeholder
from fixtures.faults import catalogue, injection
from fixtures.workspaces.probing import settle
from reports.outcome import Inconclusive
from suites.motion import scene
from suites.motion.away import NOTICED, Away, Place, placed, sent, with_new_pod
from suites.support.marks import changes_agents, disturbs, needs, requirement
from suites.support.workspaces import require_right

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from fixtures.cnis.catalogue import Agent
    from fixtures.testbed.testbed import Testbed
    from fixtures.workspaces.pool import WorkspacePool
    from policies.families import Family
    from suites.motion.once import Once
    from suites.support.expect import Expect

AWAY = 3.0  # seconds for which an agent is away, or flows are observed after it was ended
CUT_OFF = "F45"  # the fault that cuts a node off from the API server
RESET = "F47"  # the fault that resets its connections to the API server
HANGING, KILL = "F43", "F42"
WAYS = ["F41", "F42", HANGING, CUT_OFF, RESET]  # the first two are SIGTERM and SIGKILL
LONG = [HANGING, CUT_OFF, RESET]  # those during which the API changes
NEEDS = needs("network-policy", "agent-process", BREAKABLE)


@dataclass(frozen=True)
class Fault:
    """A fault that takes agents away, and the folder of its journal."""

    id: str
    out: Path

    def inject(self, testbed: Testbed, agent: Agent, node: str, meanwhile: Callable[[], None], after: float) -> None:
        """Inject it into an agent on a node, do something, wait until the agent is back, and observe for some seconds.

        Raises:
            Inconclusive: the fault did not take effect.
        """
        values = {**injection.placeholders(testbed, node), Placeholder.AGENT: agent.process}
        with injection.Injection(testbed, catalogue.load()[self.id], node, values, self.out) as injected:
            if not injected.took_effect:
                raise Inconclusive(f"{self.id} had no effect on {agent.name} on {node}")
            meanwhile()
        total = len(testbed.nodes)
        install.wait_for_daemonset(testbed.kube, agent.namespace, agent.daemonset, total, stays=agents.STAYS)
        waiting.observe(after)


@pytest.fixture
def aways(
    pool: WorkspacePool, family: Family, expect: Expect, once: Once, out: Path, fault: str
) -> Callable[[], Sequence[Away]]:
    """A function with the flows that were watched while a fault took each agent away, observed once a session."""

    def observe() -> list[Away]:
        with placed(pool, family, expect) as place:
            testbed = pool.testbed
            return [away(testbed, place, agent, Fault(fault, out)) for agent in testbed.cni.agents]

    def aways() -> Sequence[Away]:
        seen = once.of((fault, family), observe)
        expect.facts["flows"] = sum(series.count for each in seen for series in each.series)
        return seen

    return aways


def away(testbed: Testbed, place: Place, agent: Agent, fault: Fault) -> Away:
    """Watch flows while a fault takes an agent away."""
    node = testbed.nodes[0]
    agents.forget_restarts(testbed.kube, agent, node, len(testbed.nodes))
    seen = Away(f"{agent.name}, {fault.id}", place.scene.watched)
    with sent(place.workspace, seen, place.judge.patience):
        fault.inject(testbed, agent, node, lambda: waiting.observe(AWAY), place.after)
    return seen


@pytest.mark.parametrize("fault", WAYS)
@requirement("T03")
@NEEDS
@disturbs
@changes_agents
def test_denied_flows_while_an_agent_is_away(aways: Callable[[], Sequence[Away]]) -> None:
    """While each agent in turn is ended, stopped or cut off, no connection gets through that policies deny."""
    for seen in aways():
        seen.require(allowed=False)


@pytest.mark.parametrize("fault", WAYS)
@requirement("T05")
@NEEDS
@disturbs
@changes_agents
def test_allowed_flows_while_an_agent_is_away(aways: Callable[[], Sequence[Away]]) -> None:
    """While each agent in turn is ended, stopped or cut off, allowed connections never fail for a whole second."""
    for seen in aways():
        seen.require(allowed=True)


@pytest.mark.parametrize("fault", [*LONG, f"{HANGING} then {KILL}"])
@requirement("T04")
@NEEDS
@disturbs
@changes_agents
def test_what_changes_while_agents_are_away_counts_later(
    testbed: Testbed, place: Place, expect: Expect, out: Path, fault: str
) -> None:
    """Policies that change and pods that are created while an agent is away on a node take effect once it is back."""
    first, _, then = fault.partition(" then ")
    workspace, states, node = place.workspace, (place.scene.later, place.scene.world), testbed.nodes[0]
    judge = replace(place.judge, patience=max(place.judge.patience, NOTICED))
    for number, agent in enumerate(testbed.cni.agents):
        world = workspace.with_live_addresses(states[number % 2])
        again = with_new_pod(workspace.world, world, scene.CREATED_AGAIN)
        agents.forget_restarts(testbed.kube, agent, node, len(testbed.nodes))
        with ThreadPoolExecutor(1) as background:
            replaced: list[Future[None]] = []

            def meanwhile() -> None:
                workspace.apply_state(world)  # noqa: B023 - it is called in this iteration
                replaced.append(background.submit(workspace.replace_pods, again))  # noqa: B023
                waiting.observe(AWAY)
                if then:  # with an event in between that no process of the agent has seen
                    kill(testbed, agent, node)  # noqa: B023

            Fault(first, out).inject(testbed, agent, node, meanwhile, 0.0)
            replaced[0].result()
        result = settle(workspace, workspace.with_live_addresses(again), judge)
        require_right(result, judge, expect, f"after {agent.name} was away ({fault})")


def kill(testbed: Testbed, agent: Agent, node: str) -> None:
    """Kill the process of an agent on a node; a stopped one, too, ends at once."""
    run_on(testbed.cluster, node, ["sh", "-c", f"kill -KILL $(pgrep -xfo {shlex.quote(agent.process)})"])
