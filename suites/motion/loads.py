"""Points of scale: many rules, many policies on one pod, many pods, made in chunks and removed after.

The last object of each admits one flow, the canary: when it gets through, the point counts.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from ipaddress import ip_network
from typing import TYPE_CHECKING, TypeVar

from fixtures import waiting
from fixtures.probes import pods as probe_pods
from fixtures.probes.pods import PAUSE, PYTHON_IMAGE, PodPlan
from policies.families import Family
from suites.support.policies import NAMESPACE, allow_ingress_from, pod_selector, policy

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fixtures.kube.client import Kube, Object
    from fixtures.probes.pods import ProbePod
    from fixtures.testbed.testbed import Testbed

T = TypeVar("T")

UNUSED = {Family.IPV4: "198.18.0.0/15", Family.IPV6: "2001:db8:5ca1::/64"}  # for benchmarks and documentation
FIRST_PORT = 1024
AT_ONCE = 4  # requests
CHUNK = 25  # pods that start at the same time
ENDED = 120.0  # seconds until pods are gone; our patience
PEER = {"scale": "peer"}


@dataclass(frozen=True)
class Ends:
    """The pods of the flows that are watched.

    Attributes:
        server: an isolated pod.
        canary: the client that the last object admits.
        other: a client that is never admitted.
        family: the family of their addresses.
    """

    server: ProbePod
    canary: ProbePod
    other: ProbePod
    family: Family


class Scale(ABC):
    """A point of scale."""

    @abstractmethod
    def build(self, testbed: Testbed, ends: Ends) -> None:
        """Create everything but what admits the canary."""

    @abstractmethod
    def admit(self, testbed: Testbed, ends: Ends) -> None:
        """Create the last object, which admits the canary."""

    @abstractmethod
    def remove(self, testbed: Testbed, ends: Ends) -> None:
        """Delete everything; without effect on what does not exist."""


@dataclass(frozen=True)
class Rules(Scale):
    """Many rules for one pod.

    Attributes:
        number: how many, each with a block of one address and one port.
        of_policy: how many of them a policy has.
    """

    number: int
    of_policy: int = 100

    def __str__(self) -> str:
        return f"{self.number} rules in {self.number // self.of_policy} policies on one pod"

    def policies(self, ends: Ends) -> list[Object]:
        """The policies; the last rule of the last one is that of the canary."""
        network = ip_network(UNUSED[ends.family])
        rules = [
            rule(f"{network[number + 1]}/{ends.family.bits}", FIRST_PORT + number) for number in range(self.number)
        ]
        rules[-1] = rule(f"{ends.canary.ip(ends.family)}/{ends.family.bits}", probe_pods.PORTS[0])
        spec = allow_ingress_from(ends.server)
        parts = enumerate(chunks(rules, self.of_policy))
        return [policy(f"scale-{number}", {**spec, "ingress": some}) for number, some in parts]

    def build(self, testbed: Testbed, ends: Ends) -> None:
        """Create all policies but the last."""
        apply(testbed.kube, self.policies(ends)[:-1])

    def admit(self, testbed: Testbed, ends: Ends) -> None:
        """Create the last policy."""
        testbed.kube.apply(self.policies(ends)[-1:])

    def remove(self, testbed: Testbed, ends: Ends) -> None:
        """Delete the policies."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(testbed.kube.delete, self.policies(ends)))


@dataclass(frozen=True)
class Pods(Scale):
    """Many pods that a policy admits; the canary's pod gets their label last."""

    number: int

    def __str__(self) -> str:
        return f"{self.number} pods as peers"

    def plans(self, testbed: Testbed) -> list[PodPlan]:
        """The pods, on all nodes in turn."""
        nodes = testbed.nodes
        labels = tuple(PEER.items())
        return [PodPlan(NAMESPACE, f"scale-{n}", nodes[n % len(nodes)], labels=labels) for n in range(self.number)]

    def build(self, testbed: Testbed, ends: Ends) -> None:
        """Create the policy, and the pods in chunks."""
        peers = [{"namespaceSelector": {}, **pod_selector(PEER)}]
        testbed.kube.apply([policy("scale-0", allow_ingress_from(ends.server, *peers))])
        for chunk in chunks(self.plans(testbed), CHUNK):
            apply(testbed.kube, [paused(plan) for plan in chunk])
            keys = [(plan.namespace, plan.name) for plan in chunk]
            probe_pods.wait_ready(testbed.kube, keys, probe_pods.READY_PATIENCE)

    def admit(self, testbed: Testbed, ends: Ends) -> None:
        """Give the canary's pod the label."""
        label(testbed.kube, ends.canary, PEER["scale"])

    def remove(self, testbed: Testbed, ends: Ends) -> None:
        """Delete pods and policy, and wait until the pods are gone."""
        label(testbed.kube, ends.canary, None)
        manifests = [paused(plan) for plan in self.plans(testbed)]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(lambda manifest: testbed.kube.delete(manifest, grace=0), manifests))
        waiting.until(lambda: not testbed.kube.pods(NAMESPACE, PEER), f"{self.number} pods gone", patience=ENDED)
        testbed.kube.delete(policy("scale-0", {}))


def chunks(items: list[T], size: int) -> Iterator[list[T]]:
    """Parts of a list, all but the last of one size."""
    return (items[start : start + size] for start in range(0, len(items), size))


def rule(cidr: str, port: int) -> Object:
    """A rule that admits a block to a port by TCP."""
    return {"from": [{"ipBlock": {"cidr": cidr}}], "ports": [{"protocol": "TCP", "port": port}]}


def paused(plan: PodPlan) -> Object:
    """A pod that only runs."""
    pod = probe_pods.pod_object(plan)
    container = {"name": "main", "image": PYTHON_IMAGE, "command": PAUSE}
    pod["spec"] |= {"containers": [container], "volumes": [], "terminationGracePeriodSeconds": 0}
    return pod


def label(kube: Kube, pod: ProbePod, value: str | None) -> None:
    """Give a pod the label of the peers, or remove it."""
    kube.patch("pods", pod.name, {"metadata": {"labels": {"scale": value}}}, namespace=pod.namespace)


def apply(kube: Kube, manifests: Sequence[Object]) -> None:
    """Create objects, some at the same time."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda manifest: kube.apply([manifest]), manifests))
