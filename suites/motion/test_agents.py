"""Policies while agents and their way to the API server are away: T03, T04, T05."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from fixtures import waiting
from fixtures.clusters.protocol import BREAKABLE, NODE_COMMANDS, run_on
from fixtures.cnis import agents, install
from fixtures.cnis.placeholders import Placeholder
from fixtures.faults import catalogue
from fixtures.probes import pods as probe_pods
from fixtures.probes.pods import PodPlan
from fixtures.workspaces.probing import settle
from suites.motion import scene
from suites.motion.away import NOTICED, Away, Place, injected, placed, sent, with_new_pod
from suites.support.marks import changes_agents, disturbs, needs, requirement
from suites.support.policies import (
    NAMESPACE,
    PATIENCE,
    allow_ingress_from,
    allowed,
    denied,
    enforced,
    pod_selector,
    pod_with_reused_address,
    policy,
    probe_pod,
    unique_name,
    with_probers,
)
from suites.support.workspaces import require_right

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from fixtures.cnis.catalogue import Agent
    from fixtures.probes.pods import ProbePod
    from fixtures.testbed.testbed import Testbed
    from fixtures.workspaces.pool import WorkspacePool
    from policies.families import Family
    from suites.motion.once import Once
    from suites.support.expect import Expect

AWAY = 3.0  # seconds for which an agent is away, or flows are observed after it was ended
CUT_OFF = "F45"  # the fault that cuts a node off from the API server
RESET = "F47"  # the fault that resets its connections to the API server
HANGING, KILL = "F43", "F42"
THEN = f" then {KILL}"  # an agent is killed while it hangs or is cut off
WAYS = ["F41", KILL, HANGING, CUT_OFF, RESET, CUT_OFF + THEN]  # the first two are SIGTERM and SIGKILL
LONG = [HANGING, CUT_OFF, RESET]  # those during which the API changes
NEEDS = needs("network-policy", "agent-process", BREAKABLE)


@dataclass(frozen=True)
class Fault:
    """A fault that takes agents away.

    Attributes:
        name: its id, with THEN if the agent is killed while it lasts.
        out: the folder of its journal.
    """

    name: str
    out: Path

    @property
    def id(self) -> str:
        """The id in faults.yaml."""
        return self.name.removesuffix(THEN)

    @property
    def kills(self) -> bool:
        """Whether the agent is killed while the fault lasts."""
        return self.name != self.id

    @property
    def of_agent(self) -> bool:
        """Whether it takes away one agent only, and not all of the node."""
        return self.kills or Placeholder.AGENT in catalogue.load()[self.id].placeholders

    def agents(self, testbed: Testbed) -> Sequence[Agent]:
        """The agents that it takes away in turn; a fault of the whole node takes all away at once."""
        return testbed.cni.agents if self.of_agent else testbed.cni.agents[:1]

    def inject(self, testbed: Testbed, agent: Agent, node: str, meanwhile: Callable[[], None], after: float) -> None:
        """Inject it into an agent on a node, do something, wait until the agent is back, and observe for some seconds.

        Raises:
            Inconclusive: the fault did not take effect.
        """
        with injected(testbed, catalogue.load()[self.id], node, self.out, agent.process):
            meanwhile()
        total = len(testbed.nodes)
        for each in [agent] if self.of_agent else testbed.cni.agents:
            install.wait_for_daemonset(testbed.kube, each.namespace, each.daemonset, total, stays=agents.STAYS)
        waiting.observe(after)


@pytest.fixture
def aways(
    pool: WorkspacePool, family: Family, expect: Expect, once: Once, out: Path, fault: str
) -> Callable[[], Sequence[Away]]:
    """A function with the flows that were watched while a fault took each agent away, observed once a session."""

    def observe() -> list[Away]:
        with placed(pool, family, expect) as place:
            away = Fault(fault, out)
            return [watch(pool.testbed, place, agent, away) for agent in away.agents(pool.testbed)]

    def aways() -> Sequence[Away]:
        seen = once.of((fault, family), observe)
        for each in seen:
            each.draw(expect.evidence)
        expect.facts["flows"] = sum(each.count for each in seen)
        return seen

    return aways


def watch(testbed: Testbed, place: Place, agent: Agent, fault: Fault) -> Away:
    """Watch flows while a fault takes an agent away."""
    node = testbed.nodes[0]
    agents.forget_restarts(testbed.kube, agent, node, len(testbed.nodes))
    who = agent.name if fault.of_agent else "all agents of a node"
    seen = Away(f"{who}, {fault.name}", place.scene.watched)

    def meanwhile() -> None:
        waiting.observe(AWAY)
        if fault.kills:
            kill(testbed, agent, node)
            waiting.observe(AWAY)

    with sent(place.workspace, seen, place.judge.patience):
        fault.inject(testbed, agent, node, meanwhile, place.after)
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


@pytest.mark.parametrize("fault", [*LONG, HANGING + THEN])
@requirement("T04")
@NEEDS
@disturbs
@changes_agents
def test_what_changes_while_agents_are_away_counts_later(
    testbed: Testbed, place: Place, expect: Expect, out: Path, fault: str
) -> None:
    """Policies that change and pods that are created while an agent is away on a node take effect once it is back."""
    away = Fault(fault, out)
    workspace, states, node = place.workspace, (place.scene.later, place.scene.world), testbed.nodes[0]
    judge = replace(place.judge, patience=max(place.judge.patience, NOTICED))
    for number, agent in enumerate(away.agents(testbed)):
        world = workspace.with_live_addresses(states[number % 2])
        again = with_new_pod(workspace.world, world, scene.CREATED_AGAIN)
        agents.forget_restarts(testbed.kube, agent, node, len(testbed.nodes))
        with ThreadPoolExecutor(1) as background:
            replaced: list[Future[None]] = []

            def meanwhile() -> None:
                workspace.apply_state(world)  # noqa: B023 - it is called in this iteration
                replaced.append(background.submit(workspace.replace_pods, again))  # noqa: B023
                waiting.observe(AWAY)
                if away.kills:  # with an event in between that no process of the agent has seen
                    kill(testbed, agent, node)  # noqa: B023

            away.inject(testbed, agent, node, meanwhile, 0.0)
            replaced[0].result()
        result = settle(workspace, workspace.with_live_addresses(again), judge)
        require_right(result, judge, expect, f"after {agent.name} was away ({fault})")


@requirement("T04")
@needs("host-local", NODE_COMMANDS)
@NEEDS
@disturbs
@changes_agents
def test_addresses_of_pods_that_are_deleted_while_an_agent_is_away(
    testbed: Testbed, expect: Expect, out: Path, family: Family
) -> None:
    """The address of a peer that is deleted while an agent hangs and is killed is no peer for its next owner."""
    victim, node = testbed.nodes[0], testbed.nodes[-1]
    server = testbed.pods_on(victim)[0]
    admits = policy("away-peer", allow_ingress_from(server, pod_selector({"away": "peer"})))
    for agent in testbed.cni.agents:
        agents.forget_restarts(testbed.kube, agent, victim, len(testbed.nodes))
        plan = PodPlan(NAMESPACE, unique_name("away"), node, labels=(("away", "peer"),))
        with enforced(testbed, admits), probe_pod(testbed, plan) as peer, ExitStack() as created:
            with with_probers(testbed, peer) as probers:
                expect.flows([allowed(peer, server, family)], probers=probers, patience=PATIENCE)
            strangers: list[ProbePod] = []

            def meanwhile() -> None:
                probe_pods.remove(testbed.kube, [plan])  # noqa: B023 - it is called in this iteration
                reused = pod_with_reused_address(testbed, node, peer.ips)
                strangers.append(created.enter_context(reused))  # noqa: B023
                kill(testbed, agent, victim)  # noqa: B023

            Fault(HANGING + THEN, out).inject(testbed, agent, victim, meanwhile, 0.0)
            with with_probers(testbed, *strangers) as probers:
                expect.flows([denied(strangers[0], server, family)], probers=probers, patience=NOTICED)


def kill(testbed: Testbed, agent: Agent, node: str) -> None:
    """Kill the process of an agent on a node; a stopped one, too, ends at once."""
    run_on(testbed.cluster, node, ["sh", "-c", f"kill -KILL {agent.pid}"])
