"""Behaviour that the specification leaves open: reported, and checked against what the engine declares."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fixtures.probes.pods import PORTS
from fixtures.testbed.testbed import HOST_NAMESPACE, HOST_PORTS
from fixtures.workspaces.judge import profile_of
from policies import serialization
from policies.ambiguities import Ambiguity
from policies.flow import ANY, CONNECTED, Flow, Target
from policies.model import NAMESPACE_LABEL
from suites.support.marks import isolates, needs, requirement
from suites.support.policies import (
    LOST,
    PATIENCE,
    allow_ingress_from,
    allowed,
    denied,
    enforced,
    pod_selector,
    pods_on_two_nodes,
    policy,
)

if TYPE_CHECKING:
    from fixtures.probes.pods import ProbePod
    from fixtures.testbed.testbed import Testbed
    from policies.families import Family
    from suites.support.expect import Expect

ANSWER = {True: "yes", False: "no"}
HOSTS = {"namespaceSelector": {"matchLabels": {NAMESPACE_LABEL: HOST_NAMESPACE}}}


def require_declared(expect: Expect, ambiguity: Ambiguity, flow: Flow, *, through: bool) -> None:
    """Report how an engine resolves an ambiguity; fail if it declares otherwise.

    Args:
        expect: the expectations of the case.
        ambiguity: the ambiguity.
        flow: a flow to a working server that shows it, with the outcome ANY.
        through: the answer that it means if the flow gets through; the other one if it does not.
    """
    prober, declared = expect.testbed.probers[flow.source], profile_of(expect.testbed.cni).get(ambiguity)

    def otherwise() -> list[str]:
        connected = prober.probe([flow.target], timeout=LOST)[0][0].outcome == CONNECTED
        yes = connected is through
        expect.facts[ambiguity] = ANSWER[yes]
        return [] if declared in {None, yes} else [f"declared {ANSWER[declared]}, observed {ANSWER[yes]}"]

    with expect.answering([flow]):
        expect.nothing_soon(otherwise, ambiguity, patience=PATIENCE)


def host_of_another_node(testbed: Testbed, pod: ProbePod) -> ProbePod:
    """A pod in the host network of another node than a pod's own; its own node always reaches it."""
    hosts = [host for node, host in testbed.hosts.items() if node != pod.node]
    if not hosts:
        pytest.skip("the cluster has one node: no policy separates a node from its own pods")
    return hosts[0]


@requirement("P22")
@needs("network-policy")
@isolates
def test_whether_host_network_pods_are_subjects(testbed: Testbed, expect: Expect, family: Family) -> None:
    """Whether a policy isolates pods in the host network of its namespace is as the engine declares."""
    client, witness = pods_on_two_nodes(testbed)
    host = host_of_another_node(testbed, client)
    closed = serialization.of(HOST_NAMESPACE, "hosts", {"podSelector": {}, "policyTypes": ["Ingress"]})
    with enforced(testbed, closed, policy("witness", allow_ingress_from(witness))):
        expect.flows([denied(client, witness, family)], patience=PATIENCE)
        flow = Flow(client.key, host.key, Target("tcp", host.ip(family), HOST_PORTS[0]), outcome=ANY, server=host.key)
        require_declared(expect, Ambiguity.HOST_NETWORK_PODS_ARE_SUBJECTS, flow, through=False)


@requirement("P22")
@needs("network-policy")
@isolates
@pytest.mark.parametrize("direction", ["from", "to"])
def test_whether_host_network_pods_are_peers(testbed: Testbed, expect: Expect, family: Family, direction: str) -> None:
    """Whether a peer by labels matches pods in the host network is as the engine declares."""
    subject, other = pods_on_two_nodes(testbed)
    host = host_of_another_node(testbed, subject)
    if direction == "from":
        spec, witness = allow_ingress_from(subject, HOSTS), denied(other, subject, family)
        source, server, target = host, subject, Target("tcp", subject.ip(family), PORTS[0])
    else:
        spec = {**pod_selector({"app": subject.name}), "policyTypes": ["Egress"], "egress": [{"to": [HOSTS]}]}
        witness = denied(subject, other, family)
        source, server, target = subject, host, Target("tcp", host.ip(family), HOST_PORTS[0])
    with enforced(testbed, policy("hosts", spec)):
        expect.flows([witness], patience=PATIENCE)
        flow = Flow(source.key, server.key, target, outcome=ANY, server=server.key)
        require_declared(expect, Ambiguity.HOST_NETWORK_PODS_ARE_PEERS, flow, through=True)


@requirement("P45")
@needs("network-policy")
@isolates
def test_whether_a_closed_pod_answers_pings(testbed: Testbed, expect: Expect, family: Family) -> None:
    """Whether ICMP reaches a pod that is isolated for ingress is as the engine declares."""
    client, server = pods_on_two_nodes(testbed)
    with enforced(testbed, policy("pinged", allow_ingress_from(server))):
        expect.flows([denied(client, server, family)], patience=PATIENCE)
        flow = Flow(client.key, server.key, Target("icmp", server.ip(family), 0), outcome=ANY, server=server.key)
        require_declared(expect, Ambiguity.ICMP_PASSES, flow, through=True)
    expect.flows([allowed(client, server, family)], patience=PATIENCE)
