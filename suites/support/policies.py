"""Temporary pods and policies of a case."""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from fixtures import waiting
from fixtures.probes import pods as probe_pods
from fixtures.probes.pods import PORTS, PYTHON_IMAGE, PodPlan
from fixtures.testbed import address_reuse
from fixtures.testbed.testbed import NAMESPACES
from policies import serialization
from policies.families import family_of
from policies.flow import DENIED, Flow, Target
from reports.outcome import Inconclusive

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fixtures.kube.client import Object
    from fixtures.probes.pods import ProbePod
    from fixtures.probes.prober import Prober
    from fixtures.testbed.testbed import Testbed
    from policies.families import Family

NAMESPACE = NAMESPACES[0]
PATIENCE = 15.0  # seconds for pods to become Ready and policies to take effect; our patience (limits.md)
LOST = 0.5  # seconds until a flow of a short case counts as lost: half of DENY_TIMEOUT, a SYN is sent once in both
MATCHED = 15.0  # seconds until policies apply to the first pod of a new namespace: the requirement of N04, N05, N15
ENDS_PATIENCE = 60.0  # seconds until a namespace is deleted; our patience, it takes about six


def unique_name(prefix: str) -> str:
    """A unique name with a prefix."""
    return f"{prefix}-{secrets.token_hex(3)}"


def pod_selector(labels: dict[str, str]) -> Object:
    """A podSelector for these labels, in a spec or a peer."""
    return {"podSelector": {"matchLabels": labels}}


def allow_ingress_from(pod: ProbePod, *peers: Object) -> Object:
    """The spec of a policy that isolates a pod of the testbed for ingress and admits these peers."""
    spec = {**pod_selector({"app": pod.name}), "policyTypes": ["Ingress"]}
    return {**spec, "ingress": [{"from": list(peers)}]} if peers else spec


def allowed(source: ProbePod, pod: ProbePod, family: Family, protocol: str = "tcp", port: int = PORTS[0]) -> Flow:
    """A flow between pods that is expected to connect."""
    return Flow(source.key, pod.key, Target(protocol, pod.ip(family), port), server=pod.key)


def denied(source: ProbePod, pod: ProbePod, family: Family, protocol: str = "tcp", port: int = PORTS[0]) -> Flow:
    """A flow between pods that is expected to be denied, while its server works."""
    return Flow(source.key, pod.key, Target(protocol, pod.ip(family), port), outcome=DENIED, server=pod.key)


def pods_on_two_nodes(testbed: Testbed) -> tuple[ProbePod, ProbePod]:
    """Two pods of the testbed, on two nodes if it has them."""
    return testbed.pods_on(testbed.nodes[0])[0], testbed.pods_on(testbed.nodes[-1])[1]


def policy(name: str, spec: Object) -> Object:
    """The manifest of a policy in the namespace of the testbed's pods."""
    return serialization.of(NAMESPACE, name, spec)


@contextmanager
def enforced(testbed: Testbed, *policies: Object) -> Iterator[None]:
    """Apply policies for the duration of a block."""
    testbed.kube.apply(policies)
    try:
        yield
    finally:
        for manifest in policies:
            testbed.kube.delete(manifest)


@contextmanager
def running(testbed: Testbed, manifest: Object) -> Iterator[Object]:
    """Create a pod for the duration of a block."""
    testbed.kube.apply([manifest])
    try:
        yield manifest
    finally:
        testbed.kube.delete(manifest, grace=0)


@contextmanager
def with_probers(testbed: Testbed, *pods: ProbePod) -> Iterator[dict[str, Prober]]:
    """The testbed's probers and, for the duration of a block, one in each of these pods."""
    more = probe_pods.connect(testbed.kube, pods)
    try:
        yield {**testbed.probers, **more}
    finally:
        for prober in more.values():
            prober.close()


@contextmanager
def pod_in(testbed: Testbed, namespace: str, labels: dict[str, str]) -> Iterator[ProbePod]:
    """Create a namespace with these labels and a pod right after it, for the duration of a block."""
    manifest = probe_pods.namespace_object(namespace)
    manifest["metadata"]["labels"].update(labels)
    testbed.kube.apply([manifest])
    try:
        testbed.kube.wait_for_account(namespace)
        testbed.kube.apply([probe_pods.agent_config_map(namespace)])
        plan = PodPlan(namespace, "probe", testbed.nodes[-1])
        testbed.kube.apply([probe_pods.pod_object(plan)])
        yield probe_pods.wait_ready(testbed.kube, [(namespace, plan.name)], PATIENCE)[0]
    finally:
        testbed.kube.delete(manifest)


def completed_pod(testbed: Testbed, node: str, labels: dict[str, str]) -> tuple[Object, tuple[str, ...]]:
    """Create a pod that completes; gives its manifest and the addresses that it had."""
    manifest = probe_pods.pod_object(PodPlan(NAMESPACE, unique_name("done"), node, labels=tuple(labels.items())))
    wait = ["python3", "-S", "-c", "import time; time.sleep(1)"]
    manifest["spec"] |= {"containers": [{"name": "main", "image": PYTHON_IMAGE, "command": wait}], "volumes": []}
    manifest["spec"]["restartPolicy"] = "Never"
    testbed.kube.apply([manifest])
    name = manifest["metadata"]["name"]
    pod_ips: list[dict[str, Any]] = []

    def ended() -> bool:
        status = testbed.kube.get("pods", name, namespace=NAMESPACE).get("status", {})
        pod_ips[:] = status.get("podIPs") or pod_ips
        return bool(status.get("phase") == "Succeeded")

    try:
        waiting.until(ended, "a completed pod", patience=PATIENCE)
    except waiting.NeverHappenedError:
        testbed.kube.delete(manifest, grace=0)
        raise
    return manifest, tuple(sorted((entry["ip"] for entry in pod_ips), key=family_of))


@contextmanager
def probe_pod(testbed: Testbed, plan: PodPlan) -> Iterator[ProbePod]:
    """Create a probe pod for the duration of a block; the case may delete it earlier."""
    try:
        (pod,) = probe_pods.create(testbed.kube, [plan])
        yield pod
    finally:
        probe_pods.remove(testbed.kube, [plan])


@contextmanager
def pod_with_reused_address(
    testbed: Testbed, node: str, addresses: tuple[str, ...], labels: tuple[tuple[str, str], ...] = ()
) -> Iterator[ProbePod]:
    """Create a pod with the addresses of a completed one, for the duration of a block.

    Raises:
        Inconclusive: it got other addresses.
    """
    try:
        address_reuse.wait_until_free(testbed.cluster, node, addresses)
    except waiting.NeverHappenedError as error:
        raise Inconclusive(f"the address of a completed pod is not released: {error}") from error
    address_reuse.request_next(testbed.cluster, node, addresses)
    with probe_pod(testbed, PodPlan(NAMESPACE, unique_name("reuse"), node, labels=labels)) as pod:
        if pod.ips != addresses:
            raise Inconclusive(f"host-local gave {pod.ips} although {addresses} was next")
        yield pod
