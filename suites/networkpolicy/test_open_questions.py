"""What the specification leaves open and stages do not ask: an answer is told, and held to where one is declared."""

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
from suites.support.expect import require
from suites.support.marks import disturbs, needs, requirement
from suites.support.policies import (
    PATIENCE,
    allow_ingress_from,
    denied,
    enforced,
    only,
    pods_on_two_nodes,
    policy,
    reaching,
)

if TYPE_CHECKING:
    from fixtures.probes.pods import ProbePod
    from fixtures.testbed.testbed import Testbed
    from policies.families import Family
    from suites.support.expect import Expect

HOSTS = {"namespaceSelector": {"matchLabels": {NAMESPACE_LABEL: HOST_NAMESPACE}}}


def gets_through(expect: Expect, source: ProbePod, server: ProbePod, target: Target) -> bool:
    """Whether a flow to a server that works connects."""
    flow = Flow(source.key, server.key, target, outcome=ANY, server=server.key)
    with expect.answering([flow]):
        return expect.testbed.probers[source.key].probe([target])[0][0].outcome == CONNECTED


def answered(testbed: Testbed, expect: Expect, question: Ambiguity, *, yes: bool) -> None:
    """An engine that declares an answer gives it; any other's is a fact of the report."""
    expect.facts[question] = "yes" if yes else "no"
    declared = profile_of(testbed.cni).get(question, yes)
    require(yes is declared, f"{question}: declared {'yes' if declared else 'no'}, observed {'yes' if yes else 'no'}")


def elsewhere(testbed: Testbed, pod: ProbePod) -> ProbePod:
    """A pod in the host network of another node than a pod's own, which may always talk to it."""
    hosts = [host for node, host in testbed.hosts.items() if node != pod.node]
    if not hosts:
        pytest.skip("the cluster has one node: a node and its own pods are never kept apart")
    return hosts[0]


@requirement("P22")
@needs("network-policy")
@disturbs
def test_whether_host_network_pods_are_subjects(testbed: Testbed, expect: Expect, family: Family) -> None:
    """Whether a policy closes the pods of its namespace that share their node's network is as the engine declares."""
    client, witness = pods_on_two_nodes(testbed)
    host = elsewhere(testbed, client)
    closed = serialization.of(HOST_NAMESPACE, "hosts", {"podSelector": {}, "policyTypes": ["Ingress"]})
    with enforced(testbed, closed, policy("witness", allow_ingress_from(witness))):
        expect.flows([denied(client, witness, family)], patience=PATIENCE)
        through = gets_through(expect, client, host, Target("tcp", host.ip(family), HOST_PORTS[0]))
    answered(testbed, expect, Ambiguity.HOST_NETWORK_PODS_ARE_SUBJECTS, yes=not through)


@requirement("P22")
@needs("network-policy")
@disturbs
@pytest.mark.parametrize("direction", ["from", "to"])
def test_whether_host_network_pods_are_peers(testbed: Testbed, expect: Expect, family: Family, direction: str) -> None:
    """Whether a peer by labels names pods that share their node's network is as the engine declares."""
    subject, other = pods_on_two_nodes(testbed)
    host = elsewhere(testbed, subject)
    if direction == "from":
        spec, witness = allow_ingress_from(subject, HOSTS), denied(other, subject, family)
        source, server, target = host, subject, Target("tcp", subject.ip(family), PORTS[0])
    else:
        spec = {**only({"app": subject.name}), "policyTypes": ["Egress"], "egress": [{"to": [HOSTS]}]}
        witness = denied(subject, other, family)
        source, server, target = subject, host, Target("tcp", host.ip(family), HOST_PORTS[0])
    with enforced(testbed, policy("hosts", spec)):
        expect.flows([witness], patience=PATIENCE)
        through = gets_through(expect, source, server, target)
    answered(testbed, expect, Ambiguity.HOST_NETWORK_PODS_ARE_PEERS, yes=through)


@requirement("P45")
@needs("network-policy")
@disturbs
def test_whether_a_closed_pod_answers_pings(testbed: Testbed, expect: Expect, family: Family) -> None:
    """Whether ICMP gets into a pod that a policy closes is as the engine declares."""
    client, server = pods_on_two_nodes(testbed)
    with enforced(testbed, policy("pinged", allow_ingress_from(server))):
        expect.flows([denied(client, server, family)], patience=PATIENCE)
        through = gets_through(expect, client, server, Target("icmp", server.ip(family), 0))
    expect.flows([reaching(client, server, family)], patience=PATIENCE)
    answered(testbed, expect, Ambiguity.ICMP_PASSES, yes=through)
