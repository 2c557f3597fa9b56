"""Policies and the life of pods: the first packet, the last seconds, and addresses that others get."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from fixtures import waiting
from fixtures.clusters.protocol import NODE_COMMANDS
from fixtures.probes import pods as probe_pods
from fixtures.probes.pods import PORTS, PYTHON_IMAGE, PodPlan
from reports.outcome import Inconclusive
from suites.support.expect import require
from suites.support.marks import disturbs, needs, requirement
from suites.support.policies import (
    NAMESPACE,
    PATIENCE,
    allow_ingress_from,
    completed,
    denied,
    enforced,
    named,
    only,
    pod_with_reused_address,
    policy,
    reaching,
    running,
    with_probers,
)

if TYPE_CHECKING:
    from fixtures.kube.client import Object
    from fixtures.probes.pods import ProbePod
    from fixtures.testbed.testbed import Testbed
    from policies.families import Family
    from suites.support.expect import Expect

GRACE = 8  # seconds a pod that does not want to end is given
EARLY = """
import json, socket, sys, time
seen = {}
end = time.monotonic() + float(sys.argv[3])
while time.monotonic() < end:
    try:
        socket.create_connection((sys.argv[1], int(sys.argv[2])), 0.2).close()
        outcome = "connected"
    except OSError as error:
        outcome = type(error).__name__
    seen[outcome] = seen.get(outcome, 0) + 1
    if outcome != "connected":
        time.sleep(0.02)
print(json.dumps(seen), flush=True)
"""
WATCHED = 1.5  # seconds that a new container tries for


def early_pod(node: str, target: ProbePod, family: Family, labels: dict[str, str]) -> Object:
    """A pod whose init container and container connect from their first instant and say what came of it."""
    name = named("early")
    made = probe_pods.pod_object(PodPlan(NAMESPACE, name, node, labels=tuple(labels.items())))
    command = ["python3", "-S", "-c", EARLY, target.ip(family), str(PORTS[0]), str(WATCHED)]
    container = {"name": "first", "image": PYTHON_IMAGE, "command": command}
    made["spec"] |= {"initContainers": [container], "containers": [{**container, "name": "main"}], "volumes": []}
    made["spec"]["restartPolicy"] = "Never"
    return made


def outcomes(testbed: Testbed, made: Object) -> dict[str, dict[str, int]]:
    """What both containers of an early pod saw: container → outcome → number."""
    name = made["metadata"]["name"]
    path = f"/api/v1/namespaces/{NAMESPACE}/pods/{name}"

    def ended() -> bool:
        return testbed.kube.get(path).get("status", {}).get("phase") in {"Succeeded", "Failed"}

    waiting.until(ended, f"the end of pod {name}", patience=probe_pods.READY_PATIENCE)
    return {one: json.loads(testbed.kube.log(NAMESPACE, name, one, 1)) for one in ("first", "main")}


@requirement("P59")
@needs("network-policy")
def test_a_new_pod_is_isolated_from_its_first_packet(testbed: Testbed, expect: Expect, family: Family) -> None:
    """No connection of a pod that a policy closes gets out, not even in its first init container's first instant."""
    target = testbed.pods_on(testbed.nodes[0])[0]
    node = testbed.nodes[-1]
    closed = policy("early", {"podSelector": {"matchLabels": {"early": "closed"}}, "policyTypes": ["Egress"]})
    with (
        expect.answering([reaching(testbed.pods_on(node)[0], target, family)]),
        enforced(testbed, closed),
        running(testbed, early_pod(node, target, family, {"early": "open"})) as control,
        running(testbed, early_pod(node, target, family, {"early": "closed"})) as subject,
    ):
        free, shut = outcomes(testbed, control), outcomes(testbed, subject)
    expect.facts |= {"without policy": free, "with policy": shut}
    if "connected" not in free["main"]:
        raise Inconclusive(f"the pod without policy did not get through either: {free}")
    leaked = {name: seen["connected"] for name, seen in shut.items() if "connected" in seen}
    require(not leaked, f"connections of an isolated pod that got out, by container: {leaked}")


@requirement("P64")
@needs("network-policy", NODE_COMMANDS, "host-local")
@disturbs
@pytest.mark.parametrize("role", ["subject", "peer"])
def test_a_completed_pod_owns_no_address(testbed: Testbed, expect: Expect, family: Family, role: str) -> None:
    """Who gets the address of a pod that has ended is neither isolated nor let in by what named that pod."""
    node = testbed.nodes[-1]
    other = testbed.pods_on(testbed.nodes[0])[0]
    named_pod = only({"done": "yes"})
    spec = allow_ingress_from(other, named_pod) if role == "peer" else {**named_pod, "policyTypes": ["Ingress"]}
    made, addresses = completed(testbed, node, {"done": "yes"})
    with (
        running(testbed, made),
        pod_with_reused_address(testbed, node, addresses) as pod,
        enforced(testbed, policy("completed", spec)),
        with_probers(testbed, pod) as probers,
    ):
        flow = reaching(other, pod, family) if role == "subject" else denied(pod, other, family)
        expect.flows([flow], probers=probers, patience=PATIENCE)


@requirement("P64")
@needs("network-policy", NODE_COMMANDS, "host-local")
@disturbs
def test_the_end_of_a_completed_pod_takes_nothing_from_its_heir(
    testbed: Testbed, expect: Expect, family: Family
) -> None:
    """Deleting a pod that has ended does not make policies forget who has its address by now."""
    node = testbed.nodes[-1]
    server = testbed.pods_on(testbed.nodes[0])[0]
    made, addresses = completed(testbed, node, {})
    spec = allow_ingress_from(server, only({"heir": "yes"}))
    with (
        running(testbed, made),
        pod_with_reused_address(testbed, node, addresses, (("heir", "yes"),)) as pod,
        enforced(testbed, policy("heir", spec)),
        with_probers(testbed, pod) as probers,
    ):
        flows = [reaching(pod, server, family), denied(testbed.pods_on(node)[0], server, family)]
        expect.flows(flows, probers=probers, patience=PATIENCE)
        testbed.kube.delete(made, grace=0)
        testbed.kube.wait_until_gone(made, patience=probe_pods.READY_PATIENCE)
        expect.flows(flows, probers=probers)


@requirement("P65")
@needs("network-policy")
@disturbs
def test_a_terminating_pod_is_subject_and_peer(testbed: Testbed, expect: Expect, family: Family) -> None:
    """A pod that takes its time to end stays isolated, and stays a peer, until it is gone."""
    node = testbed.nodes[-1]
    other, third = testbed.pods_on(testbed.nodes[0])[0], testbed.pods_on(testbed.nodes[0])[1]
    plan = PodPlan(NAMESPACE, named("slow"), node, labels=(("slow", "yes"),))
    made = probe_pods.pod_object(plan)
    command = made["spec"]["containers"][0]["command"]
    made["spec"]["containers"][0]["command"] = ["sh", "-c", 'trap "" TERM; exec "$@"', "sh", *command]
    made["spec"]["terminationGracePeriodSeconds"] = GRACE
    slow = only({"slow": "yes"})
    subject = policy("terminating-subject", {**slow, "policyTypes": ["Ingress"]})
    peer = policy("terminating-peer", allow_ingress_from(third, slow))
    with running(testbed, made), enforced(testbed, subject, peer):
        (pod,) = probe_pods.wait_ready(testbed.kube, [(NAMESPACE, plan.name)], probe_pods.READY_PATIENCE)
        flows = [denied(other, pod, family), reaching(pod, third, family), denied(other, third, family)]
        with with_probers(testbed, pod) as probers:
            expect.flows(flows, probers=probers, patience=PATIENCE)
            testbed.kube.delete(made, grace=GRACE)
            status = testbed.kube.get(f"/api/v1/namespaces/{NAMESPACE}/pods/{plan.name}")
            if "deletionTimestamp" not in status["metadata"]:
                raise Inconclusive("the pod is not terminating")
            expect.flows(flows, probers=probers, patience=0.0)


@requirement("N02")
@needs("network-policy")
@disturbs
def test_a_pod_without_address_harms_no_policy(testbed: Testbed, expect: Expect, family: Family) -> None:
    """While a pod that a policy selects waits for its address, the policy closes and opens as it says."""
    server, client = testbed.pods_on(testbed.nodes[-1])[0], testbed.pods_on(testbed.nodes[0])[0]
    waits = probe_pods.pod_object(PodPlan(NAMESPACE, named("waits"), "", labels=(("app", server.name),)))
    waits["metadata"]["labels"]["app"] = server.name
    waits["spec"] = {key: value for key, value in waits["spec"].items() if key != "nodeName"}
    waits["spec"]["nodeSelector"] = {"nobody": "has-this-label"}
    with running(testbed, waits):
        with enforced(testbed, policy("waiting", allow_ingress_from(server))):
            expect.flows([denied(client, server, family)], patience=PATIENCE)
        expect.flows([reaching(client, server, family)], patience=PATIENCE)
