"""Continuous flows while an agent is replaced: D18."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
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
OBSERVED = 3.0  # seconds of flows after the new agent is Ready, in which it rewrites rules and routes
LONGEST = 1.0  # seconds without an answer while an agent is replaced: the requirement


def pods_of_two_nodes(testbed: Testbed) -> tuple[ProbePod, ProbePod]:
    """A pod of each of the first two nodes."""
    return testbed.pods_on(testbed.nodes[0])[0], testbed.pods_on(testbed.nodes[1])[0]


@contextmanager
def flowing(testbed: Testbed, name: str, expect: Expect, family: str) -> Iterator[list[ContinuousFlow]]:
    """Send datagrams and use a connection between the first two nodes, both ways; yields a list filled at the end."""
    first, second = pods_of_two_nodes(testbed)
    flows: list[ContinuousFlow] = []

    def stop(client: str) -> None:
        flows.extend(testbed.probers[client].stop_flows(name))
        expect.facts["continuous flows"] = [flow.row() for flow in flows]

    with ExitStack() as ending:  # ends the flows of both, also if those of one do not end
        for client, server in ((first, second), (second, first)):
            target = Target("udp", server.ip(family), PORTS[2])
            testbed.probers[client.key].start_flows(name, [target], ["udp", "tcp"], EVERY)
            ending.callback(stop, client.key)
        yield flows


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
        Finding(flow.client, f"{flow.kind} to {flow.host}", "one connection", f"{flow.broken} ended")
        for flow in flows
        if flow.broken  # a late machine ends none
    ]
    first, second = pods_of_two_nodes(testbed)
    udp = [to_pod(a.key, b, "udp", PORTS[2], family) for a, b in ((first, second), (second, first))]
    with expect.answering(udp):
        expect.nothing(interrupted, "flows were interrupted")
        unanswered(flows, LONGEST)
