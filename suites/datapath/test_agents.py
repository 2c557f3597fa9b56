"""The health of the plugin's agents: D63."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from fixtures import waiting
from fixtures.clusters.protocol import NODE_COMMANDS, run_on
from fixtures.cnis import agents, health
from fixtures.cnis.health import RESTART
from fixtures.cnis.node_state import Finding
from fixtures.probes.pods import is_ready
from fixtures.probes.settling import settle
from suites.support.marks import disturbs, needs, requirement

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from fixtures.cnis.catalogue import Agent
    from fixtures.cnis.health import Trouble
    from fixtures.testbed.testbed import Testbed
    from suites.support.expect import Expect

BUSY = 0.5  # share of one CPU above which an idle agent is spinning
WINDOW = 1.0  # seconds over which it is measured
IDLE_PATIENCE = 15.0  # seconds until an agent is idle; our patience: it may have just started
TICKS = "pid=$(pgrep -xo {name}) && cut -d' ' -f1,14,15 /proc/$pid/stat"
READY = 30.0  # seconds until a Deployment's pods are ready: the requirement; images are on the nodes already
PROBED = 30.0  # seconds before a kubelet kills an agent in which its probes fail: three, ten seconds apart, by default
PER_SECOND = 100  # clock ticks, the same on every Linux that Kubernetes runs on


@requirement("D63")
def test_agents_run_without_restarts_or_errors(testbed: Testbed, expect: Expect, out: Path) -> None:
    """Every agent is ready on every node, and has neither restarted nor logged an error unless a case caused it."""
    if not testbed.cni.agents:
        pytest.skip(f"{testbed.cni} has no agents")
    expect.nothing_soon(lambda: list(unready_agents(testbed)), "agents are not ready")
    troubles = health.not_caused_by_cases(out, health.troubles(testbed.kube, testbed.cni.agents))
    during = when_killed(testbed, troubles)
    expect.nothing([trouble.finding() for trouble in troubles], "agents are not healthy", during)


def unready_agents(testbed: Testbed) -> Iterator[Finding]:
    """The agents that are not ready on a node."""
    for agent in testbed.cni.agents:
        ready = {pod["spec"]["nodeName"] for pod in agents.pods(testbed.kube, agent) if is_ready(pod)}
        yield from (Finding(node, agent.name, "ready", "not ready") for node in testbed.nodes if node not in ready)


def when_killed(testbed: Testbed, troubles: Sequence[Trouble]) -> tuple[float, float] | None:
    """The monotonic times in which a late machine may have let probes of the kubelet fail, so that it killed agents.

    None if there is trouble that this does not explain.
    """
    killed = health.killed(testbed.kube, testbed.cni.agents)
    if not troubles or any(trouble.what != RESTART or trouble.pod not in killed for trouble in troubles):
        return None
    monotonic = time.monotonic() - time.time()
    ends = [killed[trouble.pod] + monotonic for trouble in troubles]
    return min(ends) - PROBED, max(ends)


@requirement("D63")
def test_what_comes_with_the_agents_gets_ready(testbed: Testbed, expect: Expect) -> None:
    """Every Deployment of the plugin's manifests has as many ready pods as replicas."""
    deployments = [item for item in testbed.installed if item["kind"] == "Deployment"]
    if not deployments:
        pytest.skip(f"{testbed.cni} has no Deployment")

    def unready() -> list[Finding]:
        return [finding for item in deployments for finding in _unready(testbed, item["metadata"])]

    expect.nothing_soon(unready, "Deployments of the plugin are not ready", patience=READY)


def _unready(testbed: Testbed, metadata: dict[str, str]) -> list[Finding]:
    namespace = metadata.get("namespace", "default")
    deployment = testbed.kube.get("deployments", metadata["name"], namespace=namespace)
    replicas, ready = deployment["spec"]["replicas"], deployment["status"].get("readyReplicas", 0)
    return [] if ready == replicas else [Finding("any node", metadata["name"], f"{replicas} pods ready", str(ready))]


def used(testbed: Testbed, node: str, agent: Agent) -> tuple[int, float] | None:
    """The pid of an agent on a node and the CPU seconds it has used; None if no process has the agent's name."""
    result = run_on(testbed.cluster, node, ["sh", "-c", TICKS.format(name=agent.name)], check=False)
    if result.code != 0:
        return None  # another case checks that the agent runs
    process, user, system = map(int, result.out.split())
    return process, (user + system) / PER_SECOND


def busy(testbed: Testbed, expect: Expect) -> list[Finding]:
    """The agents that use too much CPU within WINDOW."""
    pairs = [(node, agent) for agent in testbed.cni.agents for node in testbed.nodes]

    def read() -> list[tuple[int, float] | None]:
        with ThreadPoolExecutor(8) as pool:
            return list(pool.map(lambda pair: used(testbed, *pair), pairs))

    begun, before = time.monotonic(), read()
    waiting.observe(WINDOW)
    seconds, after = time.monotonic() - begun, read()
    findings = []
    for (node, agent), old, new in zip(pairs, before, after, strict=True):
        if old and new and old[0] == new[0]:
            share = expect.facts[f"{node} {agent.name} cpu"] = round((new[1] - old[1]) / seconds, 3)
            if share > BUSY:
                findings.append(Finding(node, f"CPU of {agent.name}", f"below {BUSY}", f"{share:.2f}"))
    return findings


@requirement("D63")
@needs(NODE_COMMANDS)
@disturbs  # changes of policies would keep agents busy
def test_agents_do_not_spin(testbed: Testbed, expect: Expect) -> None:
    """An idle agent uses less than half a CPU."""
    settled = settle(lambda: busy(testbed, expect), patience=IDLE_PATIENCE, agree=1)
    if not expect.facts:
        pytest.skip("no process has the name of an agent")
    expect.nothing(settled.wrong, "agents use too much CPU")
