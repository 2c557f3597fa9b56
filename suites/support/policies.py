"""Pods and policies that come and go within a case."""

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
PATIENCE = 15.0  # seconds; our patience for pods and policies


def named(what: str) -> str:
    """A name that nobody has."""
    return f"{what}-{secrets.token_hex(3)}"


def only(labels: dict[str, str]) -> Object:
    """The selector of what has these labels."""
    return {"podSelector": {"matchLabels": labels}}


def allow_ingress_from(pod: ProbePod, *peers: Object) -> Object:
    """The spec of a policy by which a pod of the testbed takes connections from these peers only."""
    spec = {**only({"app": pod.name}), "policyTypes": ["Ingress"]}
    return {**spec, "ingress": [{"from": list(peers)}]} if peers else spec


def reaching(source: ProbePod, pod: ProbePod, family: Family, protocol: str = "tcp", port: int = PORTS[0]) -> Flow:
    """A flow between pods that gets through."""
    return Flow(source.key, pod.key, Target(protocol, pod.ip(family), port), server=pod.key)


def denied(source: ProbePod, pod: ProbePod, family: Family, protocol: str = "tcp", port: int = PORTS[0]) -> Flow:
    """A flow between pods that does not, although the server works."""
    return Flow(source.key, pod.key, Target(protocol, pod.ip(family), port), outcome=DENIED, server=pod.key)


def pods_on_two_nodes(testbed: Testbed) -> tuple[ProbePod, ProbePod]:
    """Two pods of the testbed, on two nodes where it has them."""
    return testbed.pods_on(testbed.nodes[0])[0], testbed.pods_on(testbed.nodes[-1])[1]


def policy(name: str, spec: Object) -> Object:
    """A policy in the namespace of these cases."""
    return serialization.of(NAMESPACE, name, spec)


@contextmanager
def enforced(testbed: Testbed, *policies: Object) -> Iterator[None]:
    """Policies while something happens."""
    testbed.kube.apply(policies)
    try:
        yield
    finally:
        for one in policies:
            testbed.kube.delete(one)


@contextmanager
def running(testbed: Testbed, made: Object) -> Iterator[Object]:
    """A pod until it is no longer needed."""
    testbed.kube.apply([made])
    try:
        yield made
    finally:
        testbed.kube.delete(made, grace=0)


@contextmanager
def with_probers(testbed: Testbed, *pods: ProbePod) -> Iterator[dict[str, Prober]]:
    """The testbed's probers, and one in each of these pods until they are no longer needed."""
    more = probe_pods.connect(testbed.kube, pods)
    try:
        yield {**testbed.probers, **more}
    finally:
        for prober in more.values():
            prober.close()


def completed(testbed: Testbed, node: str, labels: dict[str, str]) -> tuple[Object, tuple[str, ...]]:
    """A pod that has ended, and the addresses it had."""
    made = probe_pods.pod_object(PodPlan(NAMESPACE, named("done"), node, labels=tuple(labels.items())))
    wait = ["python3", "-S", "-c", "import time; time.sleep(1)"]
    made["spec"] |= {"containers": [{"name": "main", "image": PYTHON_IMAGE, "command": wait}], "volumes": []}
    made["spec"]["restartPolicy"] = "Never"
    testbed.kube.apply([made])
    path = f"/api/v1/namespaces/{NAMESPACE}/pods/{made['metadata']['name']}"
    found: list[dict[str, Any]] = []

    def ended() -> bool:
        status = testbed.kube.get(path).get("status", {})
        found[:] = status.get("podIPs") or found
        return bool(status.get("phase") == "Succeeded")

    try:
        waiting.until(ended, "a pod that has ended", patience=PATIENCE)
    except waiting.NeverHappenedError:
        testbed.kube.delete(made, grace=0)
        raise
    return made, tuple(sorted((entry["ip"] for entry in found), key=family_of))


@contextmanager
def probe_pod(testbed: Testbed, plan: PodPlan) -> Iterator[ProbePod]:
    """A probe pod of a plan until it is no longer needed; one that the case has removed itself is fine."""
    try:
        (pod,) = probe_pods.create(testbed.kube, [plan])
        yield pod
    finally:
        probe_pods.remove(testbed.kube, [plan])


@contextmanager
def pod_with_reused_address(
    testbed: Testbed, node: str, addresses: tuple[str, ...], labels: tuple[tuple[str, str], ...] = ()
) -> Iterator[ProbePod]:
    """A pod that got the addresses of one that has ended.

    Raises:
        Inconclusive: it did not get them.
    """
    try:
        address_reuse.wait_until_free(testbed.cluster, node, addresses)
    except waiting.NeverHappenedError as error:
        raise Inconclusive(f"the address of a pod that has ended is not given back: {error}") from error
    address_reuse.request_next(testbed.cluster, node, addresses)
    with probe_pod(testbed, PodPlan(NAMESPACE, named("heir"), node, labels=labels)) as pod:
        if pod.ips != addresses:
            raise Inconclusive(f"host-local gave {pod.ips} although {addresses} was next")
        yield pod
