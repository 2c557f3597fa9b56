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
from suites.support.marks import disturbs, needs, requirement

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fixtures.probes.pods import ProbePod
    from fixtures.testbed.testbed import Testbed
    from suites.support.expect import Expect

EVERY = 0.05  # seconds between sends
OBSERVED = 3.0  # seconds after the successor is there, in which it makes rules and routes its own
LONGEST = 1.0  # seconds without an answer that a replaced agent may cost: the requirement


def ends(testbed: Testbed) -> tuple[ProbePod, ProbePod]:
    """A pod of each of the first two nodes."""
    return testbed.pods_on(testbed.nodes[0])[0], testbed.pods_on(testbed.nodes[1])[0]


@contextmanager
def flowing(testbed: Testbed, name: str, expect: Expect, family: str) -> Iterator[None]:
    """Datagrams and a connection between the first two nodes, both ways; what they met is a fact."""
    one, other = ends(testbed)
    for client, server in ((one, other), (other, one)):
        target = Target("udp", server.ip(family), PORTS[2])
        testbed.probers[client.key].start_flows(name, [target], ["udp", "tcp"], EVERY)
    try:
        yield
    finally:
        expect.facts["continuous flows"] = [
            {"from": client.key, **row}
            for client in (one, other)
            for row in testbed.probers[client.key].stop_flows(name)
        ]


@requirement("D18")
@needs(BREAKABLE, "agentless-datapath")
@disturbs
def test_replacing_an_agent_interrupts_nothing(testbed: Testbed, expect: Expect, family: str) -> None:
    """While a node's agent is deleted and replaced, no flow to or from the node is silent for a second."""
    if len(testbed.nodes) < 2:
        pytest.skip("the cluster has nothing of the kind: too few nodes")
    with flowing(testbed, f"D18-{family}", expect, family):
        for agent in testbed.cni.agents:
            agents.replace(testbed.kube, agent, testbed.nodes[0], len(testbed.nodes))
        waiting.observe(OBSERVED)
    silent = [
        Finding(row["from"], f"{row['kind']} to {row['host']}", f"answers within {LONGEST:g} s", f"{row['longest']} s")
        for row in expect.facts["continuous flows"]
        if row["broken"] or not row["answered"]
    ]
    one, other = ends(testbed)
    udp = [to_pod(a.key, b, "udp", PORTS[2], family) for a, b in ((one, other), (other, one))]
    with expect.answering(udp):
        expect.nothing(silent, "flows were interrupted")
        unanswered(expect.facts["continuous flows"], LONGEST)
