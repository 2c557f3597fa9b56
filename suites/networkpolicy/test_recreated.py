"""Policies when connections, pods, replicas and namespaces are created again."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from fixtures.clusters.protocol import NODE_COMMANDS
from fixtures.probes import pods as probe_pods
from fixtures.probes.pods import PORTS, PodPlan
from policies import serialization
from policies.flow import CONNECTED, Target
from reports.outcome import Inconclusive
from suites.support.expect import require
from suites.support.marks import isolates, needs, requirement
from suites.support.policies import (
    ENDS_PATIENCE,
    MATCHED,
    NAMESPACE,
    PATIENCE,
    allow_ingress_from,
    allowed,
    denied,
    enforced,
    pod_in,
    pod_selector,
    pod_with_reused_address,
    pods_on_two_nodes,
    policy,
    probe_pod,
    unique_name,
    with_probers,
)

if TYPE_CHECKING:
    from fixtures.probes.pods import ProbePod
    from fixtures.testbed.testbed import Testbed
    from policies.families import Family
    from policies.flow import Flow
    from suites.support.expect import Expect

FIRST_PORT, PORT_COUNT = 20000, 10000  # below the ephemeral ports of kernels


def some_port() -> int:
    """A source port that is not in use."""
    return FIRST_PORT + secrets.randbelow(PORT_COUNT)


@requirement("P62")
@needs("network-policy")
@isolates
def test_a_connection_from_a_known_port_is_judged_anew(testbed: Testbed, expect: Expect, family: Family) -> None:
    """An isolated pod accepts no new connection, also from the source port of an earlier one."""
    client, server = pods_on_two_nodes(testbed)
    prober, target, port = testbed.probers[client.key], Target("tcp", server.ip(family), PORTS[0]), some_port()
    expect.flows([allowed(client, server, family)], patience=PATIENCE)
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
@isolates
def test_a_recreated_pod_leaves_nothing_behind(testbed: Testbed, expect: Expect, family: Family) -> None:
    """A pod that is created again under its name is a peer, and the pod that gets its old address is not."""
    node = testbed.nodes[-1]
    server = testbed.pods_on(testbed.nodes[0])[0]
    target, port = Target("tcp", server.ip(family), PORTS[0]), some_port()
    plan = PodPlan(NAMESPACE, unique_name("again"), node, labels=(("again", "yes"),))
    with enforced(testbed, policy("again", allow_ingress_from(server, pod_selector({"again": "yes"})))):
        with probe_pod(testbed, plan) as old, with_probers(testbed, old) as probers:
            expect.flows([allowed(old, server, family)], probers=probers, patience=PATIENCE)
            if (before := probers[old.key].crafted(target, source_port=port)) != CONNECTED:
                raise Inconclusive(f"the first pod did not get through from port {port}: {before}")
        with (
            probe_pod(testbed, plan) as again,
            pod_with_reused_address(testbed, node, old.ips) as stranger,
            with_probers(testbed, again, stranger) as probers,
        ):
            flows = [allowed(again, server, family), denied(stranger, server, family)]
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
@isolates
def test_the_end_of_one_replica_changes_nothing_for_the_others(
    testbed: Testbed, expect: Expect, family: Family
) -> None:
    """When one of several equal pods is deleted and one is created, all stay subjects and peers."""
    client, other = pods_on_two_nodes(testbed)
    node = testbed.nodes[-1]
    group = unique_name("alike")
    plans = [PodPlan(NAMESPACE, f"{group}-{number}", node, labels=(("alike", group),)) for number in range(3)]
    closed = policy("alike-subject", {**pod_selector({"alike": group}), "policyTypes": ["Ingress"]})
    closed["spec"]["ingress"] = [{"from": [pod_selector({"app": client.name})]}]
    peer = policy("alike-peer", allow_ingress_from(client, pod_selector({"alike": group})))

    def flows_of(pod: ProbePod) -> list[Flow]:
        return [allowed(client, pod, family), denied(other, pod, family), allowed(pod, client, family)]

    with enforced(testbed, closed, peer), probe_pod(testbed, plans[0]) as first:
        with probe_pod(testbed, plans[1]) as second, with_probers(testbed, first, second) as probers:
            expect.flows([*flows_of(first), *flows_of(second)], probers=probers, patience=PATIENCE)
        with probe_pod(testbed, plans[2]) as third, with_probers(testbed, first, third) as probers:
            expect.flows([*flows_of(first), *flows_of(third)], probers=probers, patience=PATIENCE)


@requirement("N05")
@needs("network-policy")
@isolates
def test_the_first_pod_of_a_new_namespace_is_a_peer(testbed: Testbed, expect: Expect, family: Family) -> None:
    """A pod that is created right after its namespace is matched by the namespace's labels."""
    server = testbed.pods_on(testbed.nodes[0])[0]
    peer = {"namespaceSelector": {"matchLabels": {"team": "new"}}}
    with (
        enforced(testbed, policy("new-namespace", allow_ingress_from(server, peer))),
        pod_in(testbed, unique_name("netproof-new"), {"team": "new"}) as pod,
        with_probers(testbed, pod) as probers,
    ):
        flows = [allowed(pod, server, family), denied(testbed.pods_on(testbed.nodes[-1])[0], server, family)]
        expect.flows(flows, probers=probers, patience=MATCHED)


@requirement("N04")
@needs("network-policy")
@isolates
def test_a_namespace_that_comes_again_starts_anew(testbed: Testbed, expect: Expect, family: Family) -> None:
    """A new namespace has neither the labels nor the policies of a deleted one of its name."""
    client, server = pods_on_two_nodes(testbed)
    name = unique_name("netproof-again")
    peer = {"namespaceSelector": {"matchLabels": {"team": "old"}}}
    isolate_all = {"podSelector": {}, "policyTypes": ["Ingress"]}
    with enforced(testbed, policy("old-namespace", allow_ingress_from(server, peer))):
        with pod_in(testbed, name, {"team": "old"}) as old, with_probers(testbed, old) as probers:
            testbed.kube.apply([serialization.of(name, "closed", isolate_all)])
            flows = [allowed(old, server, family), denied(client, old, family)]
            expect.flows(flows, probers=probers, patience=PATIENCE)
        testbed.kube.wait_until_gone(probe_pods.namespace_object(name), patience=ENDS_PATIENCE)
        with pod_in(testbed, name, {}) as new, with_probers(testbed, new) as probers:
            flows = [denied(new, server, family), allowed(client, new, family)]
            expect.flows(flows, probers=probers, patience=MATCHED)
