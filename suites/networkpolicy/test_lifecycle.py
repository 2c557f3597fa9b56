"""Policies in the life of pods: the first packet, termination, and reuse of addresses."""

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
from suites.support.marks import isolates, needs, requirement
from suites.support.policies import (
    NAMESPACE,
    PATIENCE,
    allow_ingress_from,
    allowed,
    completed_pod,
    denied,
    enforced,
    pod_selector,
    pod_with_reused_address,
    policy,
    running,
    unique_name,
    with_probers,
)

if TYPE_CHECKING:
    from fixtures.kube.client import Object
    from fixtures.probes.pods import ProbePod
    from fixtures.testbed.testbed import Testbed
    from policies.families import Family
    from suites.support.expect import Expect

GRACE = 8  # seconds of grace for a pod that ignores SIGTERM
TERMINATING = 3.0  # of them, in which its flows have to be right twice in a row; our patience with lost packets
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
WATCHED = 1.5  # seconds for which a new container connects: a window that is observed, and no bound


def early_pod(node: str, target: ProbePod, family: Family, labels: dict[str, str]) -> Object:
    """A pod whose init container and container connect as soon as they start, and log the outcomes."""
    name = unique_name("early")
    manifest = probe_pods.pod_object(PodPlan(NAMESPACE, name, node, labels=tuple(labels.items())))
    command = ["python3", "-S", "-c", EARLY, target.ip(family), str(PORTS[0]), str(WATCHED)]
    container = {"name": "first", "image": PYTHON_IMAGE, "command": command}
    manifest["spec"] |= {"initContainers": [container], "containers": [{**container, "name": "main"}], "volumes": []}
    manifest["spec"]["restartPolicy"] = "Never"
    return manifest


def outcomes(testbed: Testbed, manifest: Object) -> dict[str, dict[str, int]]:
    """The outcomes in both containers of an early pod: container → outcome → number."""
    name = manifest["metadata"]["name"]

    def ended() -> bool:
        pod = testbed.kube.get("pods", name, namespace=NAMESPACE)
        return pod.get("status", {}).get("phase") in {"Succeeded", "Failed"}

    waiting.until(ended, f"the end of pod {name}", patience=probe_pods.READY_PATIENCE)
    return {container: json.loads(testbed.kube.log(NAMESPACE, name, container, 1)) for container in ("first", "main")}


@requirement("P59")
@needs("network-policy")
def test_a_new_pod_is_isolated_from_its_first_packet(testbed: Testbed, expect: Expect, family: Family) -> None:
    """No connection of a pod that is isolated for egress gets out, from the start of its first init container on."""
    target = testbed.pods_on(testbed.nodes[0])[0]
    node = testbed.nodes[-1]
    closed = policy("early", {"podSelector": {"matchLabels": {"early": "closed"}}, "policyTypes": ["Egress"]})
    with (
        expect.answering([allowed(testbed.pods_on(node)[0], target, family)]),
        enforced(testbed, closed),
        running(testbed, early_pod(node, target, family, {"early": "open"})) as control,
        running(testbed, early_pod(node, target, family, {"early": "closed"})) as subject,
    ):
        without, with_ = outcomes(testbed, control), outcomes(testbed, subject)
    expect.facts |= {"without policy": without, "with policy": with_}
    if "connected" not in without["main"]:
        raise Inconclusive(f"the pod without policy did not get through either: {without}")
    leaked = {name: seen["connected"] for name, seen in with_.items() if "connected" in seen}
    require(not leaked, f"connections of an isolated pod that got out, by container: {leaked}")


@requirement("P64")
@needs("network-policy", NODE_COMMANDS, "host-local")
@isolates
@pytest.mark.parametrize("role", ["subject", "peer"])
def test_a_completed_pod_owns_no_address(testbed: Testbed, expect: Expect, family: Family, role: str) -> None:
    """A pod that gets the address of a completed pod is neither isolated nor admitted by policies for that one."""
    node = testbed.nodes[-1]
    other = testbed.pods_on(testbed.nodes[0])[0]
    selector = pod_selector({"done": "yes"})
    spec = allow_ingress_from(other, selector) if role == "peer" else {**selector, "policyTypes": ["Ingress"]}
    manifest, addresses = completed_pod(testbed, node, {"done": "yes"})
    with (
        running(testbed, manifest),
        pod_with_reused_address(testbed, node, addresses) as pod,
        enforced(testbed, policy("completed", spec)),
        with_probers(testbed, pod) as probers,
    ):
        flow = allowed(other, pod, family) if role == "subject" else denied(pod, other, family)
        expect.flows([flow], probers=probers, patience=PATIENCE)


@requirement("P64")
@needs("network-policy", NODE_COMMANDS, "host-local")
@isolates
def test_deleting_a_completed_pod_takes_nothing_from_the_next_owner_of_its_address(
    testbed: Testbed, expect: Expect, family: Family
) -> None:
    """After a completed pod is deleted, the pod that got its address is still a peer."""
    node = testbed.nodes[-1]
    server = testbed.pods_on(testbed.nodes[0])[0]
    manifest, addresses = completed_pod(testbed, node, {})
    spec = allow_ingress_from(server, pod_selector({"reuse": "yes"}))
    with (
        running(testbed, manifest),
        pod_with_reused_address(testbed, node, addresses, (("reuse", "yes"),)) as pod,
        enforced(testbed, policy("reuse", spec)),
        with_probers(testbed, pod) as probers,
    ):
        flows = [allowed(pod, server, family), denied(testbed.pods_on(node)[0], server, family)]
        expect.flows(flows, probers=probers, patience=PATIENCE)
        testbed.kube.delete(manifest, grace=0)
        testbed.kube.wait_until_gone(manifest, patience=probe_pods.READY_PATIENCE)
        expect.flows(flows, probers=probers)


@requirement("P65")
@needs("network-policy")
@isolates
def test_a_terminating_pod_is_subject_and_peer(testbed: Testbed, expect: Expect, family: Family) -> None:
    """A pod that is slow to terminate stays isolated, and stays a peer, until it is gone."""
    node = testbed.nodes[-1]
    other, third = testbed.pods_on(testbed.nodes[0])[0], testbed.pods_on(testbed.nodes[0])[1]
    plan = PodPlan(NAMESPACE, unique_name("slow"), node, labels=(("slow", "yes"),))
    manifest = probe_pods.pod_object(plan)
    command = manifest["spec"]["containers"][0]["command"]
    manifest["spec"]["containers"][0]["command"] = ["sh", "-c", 'trap "" TERM; exec "$@"', "sh", *command]
    manifest["spec"]["terminationGracePeriodSeconds"] = GRACE
    slow = pod_selector({"slow": "yes"})
    subject = policy("terminating-subject", {**slow, "policyTypes": ["Ingress"]})
    peer = policy("terminating-peer", allow_ingress_from(third, slow))
    with running(testbed, manifest), enforced(testbed, subject, peer):
        (pod,) = probe_pods.wait_ready(testbed.kube, [(NAMESPACE, plan.name)], probe_pods.READY_PATIENCE)
        flows = [denied(other, pod, family), allowed(pod, third, family), denied(other, third, family)]
        with with_probers(testbed, pod) as probers:
            expect.flows(flows, probers=probers, patience=PATIENCE)
            testbed.kube.delete(manifest, grace=GRACE)
            if "deletionTimestamp" not in testbed.kube.get("pods", plan.name, namespace=NAMESPACE)["metadata"]:
                raise Inconclusive("the pod is not terminating")
            expect.flows(flows, probers=probers, patience=TERMINATING)


@requirement("N02")
@needs("network-policy")
@isolates
def test_a_pod_without_address_harms_no_policy(testbed: Testbed, expect: Expect, family: Family) -> None:
    """A policy that also selects a pod without address is enforced, and its deletion takes effect."""
    server, client = testbed.pods_on(testbed.nodes[-1])[0], testbed.pods_on(testbed.nodes[0])[0]
    waits = probe_pods.pod_object(PodPlan(NAMESPACE, unique_name("waits"), "", labels=(("app", server.name),)))
    waits["metadata"]["labels"]["app"] = server.name
    waits["spec"] = {key: value for key, value in waits["spec"].items() if key != "nodeName"}
    waits["spec"]["nodeSelector"] = {"nobody": "has-this-label"}
    with running(testbed, waits):
        with enforced(testbed, policy("waiting", allow_ingress_from(server))):
            expect.flows([denied(client, server, family)], patience=PATIENCE)
        expect.flows([allowed(client, server, family)], patience=PATIENCE)
