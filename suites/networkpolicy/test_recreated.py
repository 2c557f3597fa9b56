"""Policies and what comes again: connections, pods, their neighbours in a set, and namespaces."""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING

from fixtures.clusters.protocol import NODE_COMMANDS
from fixtures.probes import pods as probe_pods
from fixtures.probes.pods import PORTS, PodPlan
from policies import serialization
from policies.flow import CONNECTED, Target
from reports.outcome import Inconclusive
from suites.support.expect import require
from suites.support.marks import disturbs, needs, requirement
from suites.support.policies import (
    NAMESPACE,
    PATIENCE,
    allow_ingress_from,
    denied,
    enforced,
    named,
    only,
    pod_with_reused_address,
    pods_on_two_nodes,
    policy,
    probe_pod,
    reaching,
    with_probers,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fixtures.probes.pods import ProbePod
    from fixtures.testbed.testbed import Testbed
    from policies.families import Family
    from policies.flow import Flow
    from suites.support.expect import Expect

FIRST_PORT, PORTS_THERE = 20000, 10000  # below those that kernels choose by themselves
ENDS_PATIENCE = 60.0  # seconds until a namespace is gone; our patience, it takes about six


def some_port() -> int:
    """A source port that nothing else uses."""
    return FIRST_PORT + secrets.randbelow(PORTS_THERE)


@requirement("P62")
@needs("network-policy")
@disturbs
def test_a_connection_from_a_known_port_is_judged_anew(testbed: Testbed, expect: Expect, family: Family) -> None:
    """A pod that a policy closes takes no new connection, not even from the port of one that had ended before."""
    client, server = pods_on_two_nodes(testbed)
    prober, target, port = testbed.probers[client.key], Target("tcp", server.ip(family), PORTS[0]), some_port()
    expect.flows([reaching(client, server, family)], patience=PATIENCE)
    if (before := prober.crafted(target, source_port=port)) != CONNECTED:
        raise Inconclusive(f"without policy the connection from port {port} did not get through either: {before}")
    with enforced(testbed, policy("known-port", allow_ingress_from(server))):
        expect.flows([denied(client, server, family)], patience=PATIENCE)
        with expect.answering([denied(client, server, family)]):
            after = prober.crafted(target, source_port=port)
    expect.facts |= {"source port": port, "after the policy": after}
    require(after != CONNECTED, f"from port {port}, which an ended connection had, {client.key} gets through")


@requirement("P69")
@needs("network-policy", NODE_COMMANDS, "host-local")
@disturbs
def test_a_recreated_pod_leaves_nothing_behind(testbed: Testbed, expect: Expect, family: Family) -> None:
    """A pod that comes again under its name is a peer at once and stays it; who gets its old address is not."""
    node = testbed.nodes[-1]
    server = testbed.pods_on(testbed.nodes[0])[0]
    target, port = Target("tcp", server.ip(family), PORTS[0]), some_port()
    plan = PodPlan(NAMESPACE, named("again"), node, labels=(("again", "yes"),))
    with enforced(testbed, policy("again", allow_ingress_from(server, only({"again": "yes"})))):
        with probe_pod(testbed, plan) as former, with_probers(testbed, former) as probers:
            expect.flows([reaching(former, server, family)], probers=probers, patience=PATIENCE)
            if (before := probers[former.key].crafted(target, source_port=port)) != CONNECTED:
                raise Inconclusive(f"the first pod did not get through from port {port}: {before}")
        with (
            probe_pod(testbed, plan) as again,
            pod_with_reused_address(testbed, node, former.ips) as stranger,
            with_probers(testbed, again, stranger) as probers,
        ):
            flows = [reaching(again, server, family), denied(stranger, server, family)]
            with expect.answering(flows, probers=probers):
                after = probers[stranger.key].crafted(target, source_port=port)
            expect.flows(flows, probers=probers, patience=PATIENCE)
    expect.facts |= {"source port": port, "its next owner": after}
    require(
        after != CONNECTED,
        f"from port {port}, which a deleted pod used, the next owner of its address gets through",
    )


@requirement("N03")
@needs("network-policy")
@disturbs
def test_the_end_of_one_replica_changes_nothing_for_the_others(
    testbed: Testbed, expect: Expect, family: Family
) -> None:
    """Of several pods alike one goes and one comes: each that is there stays subject and peer."""
    client, other = pods_on_two_nodes(testbed)
    node = testbed.nodes[-1]
    group = named("alike")
    plans = [PodPlan(NAMESPACE, f"{group}-{number}", node, labels=(("alike", group),)) for number in range(3)]
    closed = policy("alike-subject", {**only({"alike": group}), "policyTypes": ["Ingress"]})
    closed["spec"]["ingress"] = [{"from": [only({"app": client.name})]}]
    peer = policy("alike-peer", allow_ingress_from(client, only({"alike": group})))

    def right(pod: ProbePod) -> list[Flow]:
        return [reaching(client, pod, family), denied(other, pod, family), reaching(pod, client, family)]

    with enforced(testbed, closed, peer), probe_pod(testbed, plans[0]) as stays:
        with probe_pod(testbed, plans[1]) as goes, with_probers(testbed, stays, goes) as probers:
            expect.flows([*right(stays), *right(goes)], probers=probers, patience=PATIENCE)
        with probe_pod(testbed, plans[2]) as comes, with_probers(testbed, stays, comes) as probers:
            expect.flows([*right(stays), *right(comes)], probers=probers, patience=PATIENCE)


@contextmanager
def pod_in(testbed: Testbed, namespace: str, labels: dict[str, str]) -> Iterator[ProbePod]:
    """A namespace with these labels and a pod in it, made one right after the other; both gone at the end."""
    made = probe_pods.namespace_object(namespace)
    made["metadata"]["labels"].update(labels)
    testbed.kube.apply([made])
    try:
        testbed.kube.wait_for_account(namespace)
        testbed.kube.apply([probe_pods.agent_config_map(namespace)])
        plan = PodPlan(namespace, "probe", testbed.nodes[-1])
        testbed.kube.apply([probe_pods.pod_object(plan)])
        yield probe_pods.wait_ready(testbed.kube, [(namespace, plan.name)], PATIENCE)[0]
    finally:
        testbed.kube.delete(made)


@requirement("N05")
@needs("network-policy")
@disturbs
def test_the_first_pod_of_a_new_namespace_is_a_peer(testbed: Testbed, expect: Expect, family: Family) -> None:
    """A pod that is made right after its namespace is admitted by the namespace's labels."""
    server = testbed.pods_on(testbed.nodes[0])[0]
    peer = {"namespaceSelector": {"matchLabels": {"team": "new"}}}
    with (
        enforced(testbed, policy("new-namespace", allow_ingress_from(server, peer))),
        pod_in(testbed, named("netproof-new"), {"team": "new"}) as pod,
        with_probers(testbed, pod) as probers,
    ):
        flows = [reaching(pod, server, family), denied(testbed.pods_on(testbed.nodes[-1])[0], server, family)]
        expect.flows(flows, probers=probers, patience=PATIENCE)


@requirement("N04")
@needs("network-policy")
@disturbs
def test_a_namespace_that_comes_again_starts_anew(testbed: Testbed, expect: Expect, family: Family) -> None:
    """Neither the labels nor the policies of a deleted namespace count for a new one of its name."""
    client, server = pods_on_two_nodes(testbed)
    name = named("netproof-again")
    peer = {"namespaceSelector": {"matchLabels": {"team": "old"}}}
    everybody = {"podSelector": {}, "policyTypes": ["Ingress"]}
    with enforced(testbed, policy("old-namespace", allow_ingress_from(server, peer))):
        with pod_in(testbed, name, {"team": "old"}) as old, with_probers(testbed, old) as probers:
            testbed.kube.apply([serialization.of(name, "closed", everybody)])
            flows = [reaching(old, server, family), denied(client, old, family)]
            expect.flows(flows, probers=probers, patience=PATIENCE)
        testbed.kube.wait_until_gone(probe_pods.namespace_object(name), patience=ENDS_PATIENCE)
        with pod_in(testbed, name, {}) as new, with_probers(testbed, new) as probers:
            flows = [denied(new, server, family), reaching(client, new, family)]
            expect.flows(flows, probers=probers, patience=PATIENCE)
