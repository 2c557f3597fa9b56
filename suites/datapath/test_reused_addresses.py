"""The address of a deleted pod, and the next pod that gets it: D68, N01."""

from __future__ import annotations

import secrets
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from fixtures.clusters.protocol import NODE_COMMANDS
from fixtures.probes import pods as probe_pods
from fixtures.probes import sending
from fixtures.probes.flows import to_pod
from fixtures.probes.pods import PORTS, PodPlan
from fixtures.testbed import address_reuse
from fixtures.testbed.testbed import NAMESPACES
from fixtures.waiting import NeverHappenedError
from policies import matrix
from policies.flow import DENIED, MISDELIVERED, Flow, NoServer
from reports.outcome import Inconclusive, Refuted
from suites.support.bounds import within
from suites.support.marks import disturbs, needs, requirement
from suites.support.policies import with_probers

if TYPE_CHECKING:
    from fixtures.probes.pods import ProbePod
    from fixtures.testbed.testbed import Testbed
    from suites.support.expect import Expect

PATIENCE = 10.0  # seconds until a new pod's server listens, or a deleted pod's address is released; our patience
REQUIRED = 5.0  # seconds until a pod with a reused address is reachable: the requirement


def reaching(testbed: Testbed, pod: ProbePod, family: str) -> list[Flow]:
    """Flows from a pod of every node to a pod."""
    clients = [testbed.pods_on(node)[0] for node in testbed.nodes]
    return [to_pod(client.key, pod, protocol, PORTS[0], family) for client in clients for protocol in ("tcp", "udp")]


def unanswered(testbed: Testbed, old: ProbePod, family: str) -> list[Flow]:
    """Flows from a pod of every node to the address of a deleted pod, and to its neighbour, which answers."""
    neighbour = testbed.pods_on(old.node)[1]
    deleted = NoServer("its pod was deleted")
    to_old = [replace(flow, outcome=DENIED, server=deleted) for flow in reaching(testbed, old, family)]
    return to_old + reaching(testbed, neighbour, family)


def create_at(testbed: Testbed, node: str, like: ProbePod | None = None) -> tuple[PodPlan, ProbePod]:
    """Create a pod on a node, with the addresses of an earlier pod if one is given; remove it if it does not start."""
    address_reuse.request_next(testbed.cluster, node, like.ips if like else ())
    plan = PodPlan(NAMESPACES[0], f"old-{secrets.token_hex(3)}", node)
    try:
        return plan, probe_pods.create(testbed.kube, [plan])[0]
    except NeverHappenedError:
        probe_pods.remove(testbed.kube, [plan])
        raise


def reused(testbed: Testbed, expect: Expect, family: str) -> tuple[PodPlan, ProbePod]:
    """Create a pod with the address of a deleted pod, which had answered every node.

    Raises:
        Refuted: the address is not released after its pod was deleted.
        Inconclusive: the pod got another address.
    """
    node = testbed.nodes[-1]
    plan, old = create_at(testbed, node)
    try:
        with with_probers(testbed, old) as probers:
            expect.flows(reaching(testbed, old, family), probers=probers, patience=PATIENCE)
    finally:
        probe_pods.remove(testbed.kube, [plan])
    expect.flows(unanswered(testbed, old, family))
    try:
        address_reuse.wait_until_free(testbed.cluster, node, old.ips, patience=PATIENCE)
    except NeverHappenedError as error:
        message = f"the address of a deleted pod is not released, its record stays (D64): {error}"
        raise Refuted(message, error.during) from error
    plan, new = create_at(testbed, node, old)
    if new.ips != old.ips:
        probe_pods.remove(testbed.kube, [plan])
        raise Inconclusive(f"host-local gave {new.ips} although {old.ips} was next")
    return plan, new


@requirement("D68")
@needs(NODE_COMMANDS, "host-local")
@disturbs
def test_nobody_else_answers_at_an_old_address(testbed: Testbed, expect: Expect, family: str) -> None:
    """A deleted pod's address does not answer; once it is allocated again, only the new pod answers."""
    plan, new = reused(testbed, expect, family)
    try:
        flows = [to_pod(client, new, "tcp", PORTS[0], family) for client in testbed.pods]
        seen = zip(flows, sending.observe(testbed.probers, flows), strict=True)
        wrong = [matrix.Wrong(flow, row, MISDELIVERED) for flow, (row,) in seen if row.identity not in {"", new.key}]
        expect.nothing(wrong, "another pod answers at the address")
    finally:
        probe_pods.remove(testbed.kube, [plan])


@requirement("N01")
@needs(NODE_COMMANDS, "host-local")
@disturbs
def test_a_pod_with_an_old_address_is_soon_reachable(testbed: Testbed, expect: Expect, family: str) -> None:
    """A pod that gets a deleted pod's address answers every node within five seconds."""
    plan, new = reused(testbed, expect, family)
    try:
        begun = time.monotonic()
        with with_probers(testbed, new) as probers:
            seconds = expect.flows(reaching(testbed, new, family), probers=probers, patience=REQUIRED)
        within(seconds, REQUIRED, "reaching a pod with a reused address", (begun, begun + seconds))
    finally:
        probe_pods.remove(testbed.kube, [plan])
