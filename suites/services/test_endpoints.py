"""Which endpoint answers, and what happens without any: D30, D31."""

from __future__ import annotations

import contextlib
import secrets
from dataclasses import replace
from typing import TYPE_CHECKING

from fixtures.probes import judging
from fixtures.probes import pods as probe_pods
from fixtures.probes.pods import PORTS, PodPlan
from fixtures.testbed import services as kinds
from fixtures.testbed.services import PATIENCE
from fixtures.testbed.testbed import NAMESPACES
from fixtures.waiting import NeverHappenedError
from policies.families import of_family
from policies.flow import ANY, CONNECTED, Flow, Target
from suites.support.expect import require
from suites.support.marks import needs, requirement
from suites.support.policies import with_probers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fixtures.probes.pods import ProbePod
    from fixtures.testbed.services import Services
    from fixtures.testbed.testbed import Testbed
    from suites.support.expect import Expect

pytestmark = needs("services")
ROUNDS = 30  # connections of one client; without affinity two endpoints would both answer but once in a billion
# Seconds within which a Service without endpoints has to refuse: the requirement.  Over IPv6 a refusal that
# comes back within the connect itself is dropped by the kernel (LockDroppedIcmps); the SYN's second copy, a
# second later, gets the one that counts: measured 1.03 s.
SOON = 2.0


class Sticky:
    """Two pods of their own behind a Service with session affinity."""

    def __init__(self, testbed: Testbed) -> None:
        self.testbed = testbed
        self.name = f"sticky-{secrets.token_hex(3)}"
        self.plans = [
            PodPlan(
                NAMESPACES[0], f"{self.name}-{i}", testbed.nodes[i % len(testbed.nodes)], labels=(("s", self.name),)
            )
            for i in (0, 1)
        ]

    def __enter__(self) -> dict[str, ProbePod]:
        self.object = kinds.create(self.testbed, self.name, {"s": self.name}, sessionAffinity="ClientIP")
        try:
            return {pod.key: pod for pod in probe_pods.create(self.testbed.kube, self.plans)}
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_: object) -> None:
        self.testbed.kube.delete(self.object)
        with contextlib.suppress(NeverHappenedError):  # D64 checks that pods end
            probe_pods.remove(self.testbed.kube, self.plans)

    def target(self, family: str) -> Target:
        """Its ClusterIP."""
        addresses: list[str] = self.object["spec"]["clusterIPs"]
        return Target("tcp", of_family(addresses, family), PORTS[0])


def identities(testbed: Testbed, client: str, target: Target) -> Iterator[str]:
    """The identity that answers each of a client's connections, or the outcome."""
    for row in testbed.probers[client].probe([target], rounds=ROUNDS)[0]:
        yield row.identity if row.outcome == CONNECTED else row.outcome


@requirement("D30")
def test_affinity_keeps_a_client_at_its_endpoint_until_that_is_gone(
    testbed: Testbed, expect: Expect, family: str
) -> None:
    """With affinity ClientIP one endpoint answers a client; when its pod is deleted the other one does."""
    sticky = Sticky(testbed)
    with sticky as pods:
        target, client = sticky.target(family), testbed.pods_on(testbed.nodes[-1])[0].key
        everybody = frozenset(pods)
        to_any = Flow(client, sticky.name, target, identities=everybody)
        first: set[str] = set()

        def unanswered() -> list[str]:
            seen = list(identities(testbed, client, target))
            first.update(everybody.intersection(seen))
            return [f"a connection came to {who}" for who in seen if who not in everybody]

        with with_probers(testbed, *pods.values()) as probers, expect.answering([to_any], probers=probers):
            expect.flows([to_any], probers=probers, patience=PATIENCE)
            expect.nothing_soon(unanswered, f"of {ROUNDS} connections of one client some are not answered")
        require(len(first) == 1, f"{ROUNDS} connections of one client lead to {sorted(first)}")
        gone = next(plan for plan in sticky.plans if f"{plan.namespace}/{plan.name}" in first)
        testbed.kube.delete(probe_pods.pod_object(gone))
        with with_probers(testbed, *(pods[key] for key in everybody - first)) as probers:
            to_other = replace(to_any, identities=everybody - first)
            expect.flows([to_other], probers=probers, patience=PATIENCE)


@requirement("D31")
def test_a_service_without_endpoints_refuses_at_once(
    testbed: Testbed, expect: Expect, services: Services, family: str
) -> None:
    """A Service without endpoints refuses pods and nodes within two seconds, instead of letting them wait."""
    target = Target("tcp", services.cluster_ip("empty", family), PORTS[0])
    clients = [*testbed.pods.values(), *testbed.hosts.values()]
    flows = [Flow(client.key, "empty", target, outcome=ANY) for client in clients]
    batch = judging.Batch(testbed.probers, flows, SOON)

    def wrong() -> list[str]:
        return [
            f"{flow.source}: expected refused, observed {rows[0]}"
            for flow, rows in zip(flows, batch.ask().rows, strict=True)
            if rows[0].outcome != "refused"
        ]

    expect.nothing_soon(wrong, "a Service without endpoints does not refuse", patience=PATIENCE)
