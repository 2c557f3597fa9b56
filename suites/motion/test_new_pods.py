"""Policies in the first seconds of a new pod, as a client and as a server: T11, T12."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from fixtures import waiting
from fixtures.probes import pods as probe_pods
from fixtures.probes.attempting import Attempts
from fixtures.probes.pods import PORTS, PodPlan, ProbePod
from policies.flow import DENIED, Flow, Target
from reports.outcome import Inconclusive, Refuted
from suites.motion.away import OUTAGE
from suites.support import first_flows
from suites.support.marks import disturbs, needs, requirement
from suites.support.policies import (
    NAMESPACE,
    PATIENCE,
    allow_ingress_from,
    allowed,
    denied,
    enforced,
    pod_selector,
    policy,
    running,
    unique_name,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fixtures.kube.client import Object
    from fixtures.probes.windows import Series
    from fixtures.testbed.testbed import Testbed
    from policies.families import Family
    from suites.motion.once import Once
    from suites.support.expect import Expect

SENT = 4.0  # seconds for which a new pod sends, and is sent to: a window that is observed, and no bound
KEY = "first"


@dataclass(frozen=True)
class NewPod:
    """A new pod, with its first flows and those to it.

    Attributes:
        name: its name.
        out: its flows, as policies decide them for the pod that is isolated.
        sent: what happened to them.
        arrived: what happened to those to it, from the first time that the API had its address.
        during: the monotonic times between which it was observed.
    """

    name: str
    out: Sequence[Flow]
    sent: first_flows.FirstFlows
    arrived: Sequence[Series]
    during: tuple[float, float]

    @property
    def denied(self) -> list[Series]:
        """The flows that policies deny to a pod that is isolated: to the stranger, and from it."""
        return [self.sent.attempts[-1], self.arrived[-1]]


@dataclass(frozen=True)
class Plan:
    """The pods of a case.

    Attributes:
        peer: the pod that the new one may connect to, and that admits it.
        stranger: the pod that the new one may not connect to, and that may not connect to it.
    """

    peer: ProbePod
    stranger: ProbePod

    def policies(self, label: str) -> list[Object]:
        """Policies that isolate pods with a label and the peer, and admit the connections between both."""
        new, peer = pod_selector({KEY: label}), pod_selector({"app": self.peer.name})
        subject = {
            **new,
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [{"from": [peer]}],
            "egress": [{"to": [peer]}],
        }
        return [policy("first-subject", subject), policy("first-peer", allow_ingress_from(self.peer, new))]

    def out(self, plan: PodPlan, family: Family) -> list[Flow]:
        """Flows of a new pod: TCP and UDP to the peer, TCP to the stranger."""
        pod = ProbePod(plan.namespace, plan.name, plan.node, "", (), host_network=False)
        to_peer = [allowed(pod, self.peer, family, protocol) for protocol in ("tcp", "udp")]
        return [*to_peer, denied(pod, self.stranger, family)]

    def to(self, testbed: Testbed, plan: PodPlan, family: Family) -> list[Flow]:
        """Flows to a new pod, as soon as its address is known: of the peer and of the stranger."""
        new = ProbePod(plan.namespace, plan.name, plan.node, "", addresses(testbed, plan), host_network=False)
        target = Target("tcp", new.ip(family), PORTS[0])
        from_stranger = Flow(self.stranger.key, new.key, target, outcome=DENIED, server=new.key)
        return [Flow(self.peer.key, new.key, target, server=new.key), from_stranger]


def observe(testbed: Testbed, plan: Plan, family: Family, labels: Sequence[str]) -> list[NewPod]:
    """Create a pod with each label, which sends from its start on, and send to it as soon as its address is known."""
    begun = time.monotonic()
    node = testbed.nodes[-1]
    pods = [PodPlan(NAMESPACE, unique_name("new"), node, labels=((KEY, label),)) for label in labels]
    out = [plan.out(pod, family) for pod in pods]
    with ExitStack() as created:
        for pod, flows in zip(pods, out, strict=True):
            created.enter_context(running(testbed, first_flows.pod_object(pod, flows, SENT)))
        with ExitStack() as sending:
            to_pods = [plan.to(testbed, pod, family) for pod in pods]
            attempts = [Attempts(testbed.probers, flows) for flows in to_pods]
            for each in attempts:
                sending.enter_context(each.running())
            waiting.observe(SENT)
        sent = [first_flows.read(testbed, pod, flows, PATIENCE) for pod, flows in zip(pods, out, strict=True)]
    during = (begun, time.monotonic())
    arrived = [{series.flow: series for series in each.results} for each in attempts]
    return [
        NewPod(pod.name, out[number], sent[number], [arrived[number][flow] for flow in to_pods[number]], during)
        for number, pod in enumerate(pods)
    ]


def addresses(testbed: Testbed, plan: PodPlan) -> tuple[str, ...]:
    """The addresses of a pod, as soon as the API has them."""
    found: list[str] = []

    def known() -> bool:
        pod = testbed.kube.get("pods", plan.name, namespace=plan.namespace)
        found[:] = [entry["ip"] for entry in pod["status"].get("podIPs") or ()]
        return bool(found)

    waiting.until(known, f"an address of pod {plan.name}", patience=probe_pods.READY_PATIENCE)
    return tuple(found)


@pytest.fixture
def observed(testbed: Testbed, family: Family, once: Once) -> Callable[[], tuple[NewPod, NewPod]]:
    """A function with a new pod that policies select, and one that none selects, observed once a session."""

    def both() -> tuple[NewPod, NewPod]:
        peer, stranger = testbed.pods_on(testbed.nodes[0])[:2]
        plan, label = Plan(peer, stranger), unique_name("closed")
        with enforced(testbed, *plan.policies(label)):
            isolated, open_ = observe(testbed, plan, family, (label, "none"))
        return isolated, open_

    return lambda: once.of(("new pods", family), both)


@requirement("T11")
@needs("network-policy")
@disturbs
def test_denied_flows_of_a_new_pod(expect: Expect, observed: Callable[[], tuple[NewPod, NewPod]]) -> None:
    """No connection that policies deny gets out of a new pod or into it, from its first packet on."""
    isolated, open_ = observed()
    if silent := [str(series.flow) for series in open_.denied if not series.other_than(connected=False)]:
        raise Inconclusive(f"of a pod that no policy selects they do not get through either: {'; '.join(silent)}")
    expect.facts["flows"] = sum(series.count for series in isolated.denied)
    leaked = [
        f"{series.flow} got through, {stretch.count} × from {stretch.first - series.stretches[0].first:.2f} s on"
        for series in isolated.denied
        for stretch in series.other_than(connected=False)
    ]
    if leaked:
        raise Refuted("\n".join(leaked))


@requirement("T12")
@needs("network-policy")
@disturbs
def test_allowed_flows_of_a_new_pod(expect: Expect, observed: Callable[[], tuple[NewPod, NewPod]]) -> None:
    """Connections of a new pod that policies allow succeed within a second of its first packet, and then go on."""
    isolated, open_ = observed()
    alone = open_.denied[0].until_connected  # to the same node, without a policy for the new pod
    if alone is None or alone >= OUTAGE:
        raise Inconclusive(f"of a pod that no policy selects the first connection took {_text(alone)}")
    allowed_ones = isolated.sent.attempts[:2]
    expect.facts["seconds until the first connection"] = {
        "no policy": round(alone, 3),
        **{series.flow.target.protocol: _rounded(series.until_connected) for series in allowed_ones},
    }
    late = [
        f"{series.flow} first got through after {_text(series.until_connected)}"
        for series in allowed_ones
        if series.until_connected is None or series.until_connected >= OUTAGE
    ]
    late += [
        f"{series.flow} failed for {stretch.last - stretch.first:.2f} s after it had got through"
        for series in allowed_ones
        for stretch in series.other_than(connected=True)
        if stretch is not series.stretches[0] and stretch.last - stretch.first >= OUTAGE
    ]
    kept = isolated.sent.kept[0]
    if kept.broken or kept.longest >= OUTAGE:
        late.append(f"a connection that it made at once ended {kept.broken} ×; longest gap {kept.longest:.2f} s")
    if late:
        raise Refuted("\n".join(late), isolated.during)


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)


def _text(seconds: float | None) -> str:
    return f"more than {SENT:.0f} s" if seconds is None else f"{seconds:.2f} s"
