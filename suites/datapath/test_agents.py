"""The plugin's own programs: D63."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from fixtures.clusters.protocol import NODE_COMMANDS, run_on
from fixtures.cnis import agents
from fixtures.cnis.node_state import Finding
from fixtures.probes.pods import is_ready
from fixtures.testbed.evidence import agent_logs
from suites.support.marks import needs, requirement

if TYPE_CHECKING:
    from fixtures.testbed.testbed import Testbed
    from suites.support.expect import Expect

ALL_LINES = 100_000
BUSY = 0.5  # share of one CPU since its start above which an idle agent is spinning
TICKS = "pid=$(pgrep -xo {name}) && cut -d' ' -f14,15,22 /proc/$pid/stat && cut -d' ' -f1 /proc/uptime"
READY_PATIENCE = 30.0  # seconds until a Deployment's pods are ready; our patience, images are on the nodes already
PER_SECOND = 100  # clock ticks, the same on every Linux that Kubernetes runs on


@requirement("D63")
def test_agents_run_without_restarts_or_errors(testbed: Testbed, expect: Expect) -> None:
    """Every agent is ready on every node, was never restarted, and logged no error."""
    if not testbed.cni.agents:
        pytest.skip(f"{testbed.cni} has no agents")
    findings = []
    for agent in testbed.cni.agents:
        pods = agents.pods(testbed.kube, agent)
        ready = {p["spec"]["nodeName"] for p in pods if is_ready(p)}
        findings += [Finding(node, agent.name, "ready", "not ready") for node in testbed.nodes if node not in ready]
        for pod in pods:
            for status in pod["status"].get("containerStatuses", []):
                if status["restartCount"]:
                    node = pod["spec"]["nodeName"]
                    findings.append(Finding(node, f"restarts of {agent.name}", "0", str(status["restartCount"])))
        if agent.error_lines:
            pattern = re.compile(agent.error_lines)
            logs = agent_logs(testbed.kube, agent, ALL_LINES)
            findings += [
                Finding(node, f"log of {agent.name}", "readable", "none")
                for node in testbed.nodes
                if f"{node} {agent.name} log" not in logs
            ]
            for title, log in logs.items():
                errors = [line for line in log.splitlines() if pattern.search(line)]
                findings += [Finding(title, "log line", "no error", line[:300]) for line in errors[:5]]
    expect.nothing(findings, "agents are not healthy")


@requirement("D63")
def test_what_comes_with_the_agents_gets_ready(testbed: Testbed, expect: Expect) -> None:
    """Every Deployment that the plugin's manifests bring has as many ready pods as it asks for."""
    brought = [one for one in testbed.installed if one["kind"] == "Deployment"]
    if not brought:
        pytest.skip(f"{testbed.cni} brings no Deployment")

    def unready() -> list[Finding]:
        return [row for one in brought for row in _unready(testbed, one["metadata"])]

    expect.nothing_soon(unready, "what comes with the agents does not work", patience=READY_PATIENCE)


def _unready(testbed: Testbed, metadata: dict[str, str]) -> list[Finding]:
    path = f"/apis/apps/v1/namespaces/{metadata.get('namespace', 'default')}/deployments/{metadata['name']}"
    found = testbed.kube.get(path)
    wanted, ready = found["spec"]["replicas"], found["status"].get("readyReplicas", 0)
    return [] if ready == wanted else [Finding("any node", metadata["name"], f"{wanted} pods ready", str(ready))]


@requirement("D63")
@needs(NODE_COMMANDS)
def test_agents_do_not_spin(testbed: Testbed, expect: Expect) -> None:
    """An agent with nothing to do uses less than half a CPU."""
    findings = []
    for agent in testbed.cni.agents:
        for node in testbed.nodes:
            result = run_on(testbed.cluster, node, ["sh", "-c", TICKS.format(name=agent.name)], check=False)
            if result.code != 0:
                continue  # not a process of that name: the other case says whether the agent runs
            user, system, started, uptime = (float(word) for word in result.out.split())
            age = uptime - started / PER_SECOND
            share = (user + system) / PER_SECOND / max(age, 1.0)
            expect.facts[f"{node} {agent.name} cpu"] = round(share, 3)
            if share > BUSY:
                findings.append(Finding(node, f"CPU of {agent.name}", f"below {BUSY}", f"{share:.2f}"))
    if not expect.facts:
        pytest.skip("no agent has a process of its name")
    expect.nothing(findings, "agents use too much CPU")
