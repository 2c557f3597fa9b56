"""Flows that go on while an agent is replaced: D18."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from fixtures import waiting
from fixtures.clusters.protocol import BREAKABLE
from fixtures.cnis import agents
from fixtures.cnis.node_state import Finding
from fixtures.probes.flows import to_pod
from fixtures.probes.pods import PORTS
from policies.flow import Target
from suites.support.bounds import unanswered
from suites.support.marks import changes_agents, disturbs, needs, requirement

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fixtures.probes.pods import ProbePod
    from fixtures.probes.results import ContinuousFlow
    from fixtures.testbed.testbed import Testbed
    from suites.support.expect import Expect

EVERY = 0.05  # seconds between sends
OBSERVED = 3.0  # seconds after the successor is there, in which it makes rules and routes its own
LONGEST = 1.0  # seconds without an answer that a replaced agent may cost: the requirement


def ends(testbed: Testbed) -> tuple[ProbePod, ProbePod]:
    """A pod of each of the first two nodes."""
    return testbed.pods_on(testbed.nodes[0])[0], testbed.pods_on(testbed.nodes[1])[0]


@contextmanager
def flowing(testbed: Testbed, name: str, expect: Expect, family: str) -> Iterator[list[ContinuousFlow]]:
    """Datagrams and a connection between the first two nodes, both ways; the list has their results at the end."""
    one, other = ends(testbed)
    for client, server in ((one, other), (other, one)):
        target = Target("udp", server.ip(family), PORTS[2])
        testbed.probers[client.key].start_flows(name, [target], ["udp", "tcp"], EVERY)
    flows: list[ContinuousFlow] = []
    try:
        yield flows
    finally:
        for client in (one, other):
            flows += testbed.probers[client.key].stop_flows(name)
        expect.facts["continuous flows"] = [flow.row() for flow in flows]


@requirement("D18")
@needs(BREAKABLE, "agentless-datapath")
@disturbs
@changes_agents
def test_replacing_an_agent_interrupts_nothing(testbed: Testbed, expect: Expect, family: str) -> None:
    """While a node's agent is deleted and replaced, every flow to or from the node has an answer within a second."""
    if len(testbed.nodes) < 2:
        pytest.skip("the cluster has nothing of the kind: too few nodes")
    with flowing(testbed, f"D18-{family}", expect, family) as flows:
        for agent in testbed.cni.agents:
            agents.replace(testbed.kube, agent, testbed.nodes[0], len(testbed.nodes))
        waiting.observe(OBSERVED)
    interrupted = [
        Finding(flow.client, f"{flow.kind} to {flow.host}", f"answers within {LONGEST:g} s", f"{flow.longest} s")
        for flow in flows
        if flow.broken or not flow.answered
    ]
    one, other = ends(testbed)
    udp = [to_pod(a.key, b, "udp", PORTS[2], family) for a, b in ((one, other), (other, one))]
    with expect.answering(udp):
        expect.nothing(interrupted, "flows were interrupted")
        unanswered(flows, LONGEST)
