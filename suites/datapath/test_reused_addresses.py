"""The address of a deleted pod, and the next pod that gets it: D68, N01."""

from __future__ import annotations

import itertools
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest

from fixtures import lateness, waiting
from fixtures.clusters.protocol import NODE_COMMANDS
from fixtures.probes import pods as probe_pods
from fixtures.probes import sending
from fixtures.probes.flows import to_pod
from fixtures.probes.pods import PORTS, PodPlan
from fixtures.testbed import address_reuse
from fixtures.testbed.testbed import NAMESPACES
from fixtures.waiting import NeverHappenedError
from policies import matrix
from policies.flow import DENIED, MISDELIVERED, Flow, NoServer, Target
from reports.outcome import Inconclusive, Refuted
from suites.support.bounds import within
from suites.support.marks import begins_window, disturbs, ends_window, needs, requirement
from suites.support.order import WINDOWS
from suites.support.policies import with_probers

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from fixtures.probes.pods import ProbePod
    from fixtures.probes.results import ContinuousFlow
    from fixtures.testbed.testbed import Testbed
    from suites.support.expect import Expect

PATIENCE = 10.0  # seconds until a new pod's server listens, or a deleted pod's address is released; our patience
REQUIRED = 5.0  # seconds until a pod with a reused address is reachable: the requirement
EVERY = 0.1  # seconds between two connections, and between two datagrams, to a pod with a reused address
BEYOND = 3 * EVERY  # seconds that flows are observed beyond REQUIRED: an answer in time is on its way no longer


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


@dataclass
class Reuse:
    """A pod with the address of a deleted pod, and the continuous flows to it from every node since it was Ready.

    Attributes:
        testbed: the cluster.
        plan: the plan of the pod.
        pod: the pod.
        family: the family of the addresses.
        begun: monotonic time at which the flows began.
    """

    testbed: Testbed
    plan: PodPlan
    pod: ProbePod
    family: str
    begun: float = field(default_factory=time.monotonic)

    @staticmethod
    def begin(testbed: Testbed, expect: Expect, family: str) -> Reuse:
        """Let a pod reuse an address, and begin the flows; see `reused` for the errors."""
        reuse = Reuse(testbed, *reused(testbed, expect, family), family)
        for client in reuse.clients:
            target = Target("tcp", reuse.pod.ip(family), PORTS[0])
            testbed.probers[client].start_flows(reuse.name, [target], ["udp", "connect"], EVERY)
        return reuse

    @property
    def name(self) -> str:
        """The name of the flows."""
        return f"reuse-{self.family}"

    @property
    def clients(self) -> list[str]:
        """The pods that the flows come from, one of each node."""
        return [self.testbed.pods_on(node)[0].key for node in self.testbed.nodes]

    def stop(self) -> list[ContinuousFlow]:
        """End the flows; their results."""
        probers = [self.testbed.probers[client] for client in self.clients]
        with ThreadPoolExecutor(len(probers)) as pool:  # a connection that is not answered ends after a second
            return list(itertools.chain.from_iterable(pool.map(lambda prober: prober.stop_flows(self.name), probers)))

    def remove(self) -> None:
        """Remove the pod."""
        probe_pods.remove(self.testbed.kube, [self.plan])

    def end(self) -> None:
        """End the flows, and remove the pod."""
        try:
            self.stop()
        finally:
            self.remove()


@pytest.fixture(scope="session")
def windows() -> Iterator[dict[str, Reuse]]:
    """The reuses that D68 has begun and N01 judges, by family."""
    begun: dict[str, Reuse] = {}
    yield begun
    for reuse in begun.values():
        reuse.end()


def answered_within(flows: Iterable[ContinuousFlow], bound: float, begun: float) -> None:
    """Hold continuous flows to the seconds until their first answer; one without an answer took until now."""
    __tracebackhide__ = True
    now = time.monotonic() - begun
    for flow in flows:
        seconds = now if flow.first is None else flow.first
        within(seconds, bound, f"{flow}: its first answer", (begun, begun + seconds))


@requirement("D68")
@needs(NODE_COMMANDS, "host-local")
@disturbs
@begins_window
def test_nobody_else_answers_at_an_old_address(
    testbed: Testbed, expect: Expect, family: str, windows: dict[str, Reuse], request: pytest.FixtureRequest
) -> None:
    """A deleted pod's address does not answer; once it is allocated again, only the new pod answers."""
    reuse = Reuse.begin(testbed, expect, family)
    try:
        flows = [to_pod(client, reuse.pod, "tcp", PORTS[0], family) for client in testbed.pods]
        seen = zip(flows, sending.observe(testbed.probers, flows), strict=True)
        wrong = [
            matrix.Wrong(flow, row, MISDELIVERED) for flow, (row,) in seen if row.identity not in {"", reuse.pod.key}
        ]
        expect.nothing(wrong, "another pod answers at the address")
    except BaseException:
        reuse.end()
        raise
    if request.config.stash[WINDOWS]:
        windows[family] = reuse
    else:
        reuse.end()


@requirement("N01")
@needs(NODE_COMMANDS, "host-local")
@disturbs
@ends_window
def test_a_pod_with_an_old_address_is_soon_reachable(
    testbed: Testbed, expect: Expect, family: str, windows: dict[str, Reuse]
) -> None:
    """A pod that gets a deleted pod's address answers every node within five seconds."""
    reuse = windows.pop(family, None) or Reuse.begin(testbed, expect, family)
    try:
        control = reaching(testbed, reuse.pod, family)
        with with_probers(testbed, reuse.pod) as probers, expect.answering(control, probers=probers):
            while (left := REQUIRED + BEYOND - lateness.spent(reuse.begun)) > 0:  # longer where the machine is late
                waiting.observe(left)
            flows = reuse.stop()
            expect.facts["continuous flows"] = [flow.row() for flow in flows]
            answered_within(flows, REQUIRED, reuse.begun)
    finally:
        reuse.remove()
