"""Leftovers of deleted pods on their nodes: D64."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fixtures import waiting
from fixtures.clusters.protocol import NODE_COMMANDS, run_on
from fixtures.cnis.node_state import Finding
from fixtures.probes import pods as probe_pods
from fixtures.testbed import leftovers
from fixtures.testbed.pod_churn import LIFECYCLES, PodChurn
from fixtures.waiting import NeverHappenedError
from reports.outcome import Inconclusive, Refuted
from suites.support.marks import disturbs, needs, requirement

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fixtures.testbed.leftovers import Traces
    from fixtures.testbed.pod_churn import Lifecycle
    from fixtures.testbed.testbed import Testbed
    from suites.support.expect import Expect

RECORDS = "cd /var/lib/cni/networks 2>/dev/null && find . -type f -name '[0-9a-f]*[.:]*' | sed 's,.*/,,'"
PORTS = "ip -o link show master cni0 2>/dev/null | wc -l"
ROUNDS = 2  # with the same pod names: state that is kept by a pod's name shows in the second round
REST_PATIENCE = 15.0  # seconds until no pod starts or ends; our patience, the deletion of a namespace takes about six
QUIET_PATIENCE = 5.0  # seconds until the nodes' state is stable; our patience, after which it is compared in any case
LEFT = 12.0  # seconds in which state may be left: the requirement; with grace 0 the API forgets a pod before it ends


@dataclass(frozen=True)
class Before:
    """The state of nodes and the UIDs of their pods before the pods of this case."""

    traces: dict[str, Traces]
    pods: dict[str, set[str]]


def pods_of(testbed: Testbed) -> dict[str, set[str]]:
    """The UIDs of the pods on each node, in any phase."""
    pods = testbed.kube.pods("")
    return {
        node: {pod["metadata"]["uid"] for pod in pods if pod["spec"].get("nodeName") == node} for node in testbed.nodes
    }


def at_rest(testbed: Testbed) -> bool:
    """Whether no pod is starting or ending on the nodes; pods deleted by earlier cases may still be ending."""
    pods = [pod for pod in testbed.kube.pods("") if pod["spec"].get("nodeName") in testbed.nodes]
    return all("deletionTimestamp" not in p["metadata"] and p["status"].get("phase") != "Pending" for p in pods)


def baseline(testbed: Testbed) -> Before:
    """The stable state of nodes, with the rules that exist after a pod with hostPorts was created and deleted.

    Plugins create some chains for the first pod that needs them, and keep them.
    """
    before = stable_state(testbed)
    create_and_delete(testbed, [lifecycle for lifecycle in LIFECYCLES if lifecycle.host_ports], 1)
    later = stable_state(testbed).traces
    return Before({n: leftovers.with_rules_from(before.traces[n], later[n]) for n in testbed.nodes}, before.pods)


def stable_state(testbed: Testbed) -> Before:
    """The state of nodes once it no longer changes, or when patience ends."""

    def read() -> dict[str, Traces]:
        return leftovers.read(testbed.cluster, testbed.nodes)

    with contextlib.suppress(NeverHappenedError):
        waiting.until(lambda: at_rest(testbed), "no pod starting or ending", patience=REST_PATIENCE)
        return Before(waiting.unchanging(read, "stable state of nodes", patience=QUIET_PATIENCE), pods_of(testbed))
    return Before(read(), pods_of(testbed))


def create_and_delete(testbed: Testbed, lifecycles: Sequence[Lifecycle] = LIFECYCLES, rounds: int = ROUNDS) -> None:
    """Create and delete pods of every lifecycle on each node.

    Raises:
        Refuted: some pods do not end.
        Inconclusive: some pods do not start.
    """
    churn = PodChurn(testbed.kube, testbed.nodes, "host-port" in testbed.offered, lifecycles)
    for _ in range(rounds):
        try:
            churn.create()
        except NeverHappenedError as error:
            raise Inconclusive(f"the pods of this case do not start (D66): {error}") from error
        finally:
            try:
                churn.delete()
            except NeverHappenedError as error:
                raise Refuted(f"deleted pods do not end: {error}", error.during) from error


def left_behind(testbed: Testbed, before: Before) -> Iterator[Finding]:
    """The state of nodes that belongs to no live pod.

    Raises:
        Inconclusive: every node has new pods of other programs, whose state cannot be told from leftovers.
    """
    now, pods = leftovers.read(testbed.cluster, testbed.nodes), pods_of(testbed)
    judged = [node for node in testbed.nodes if pods[node] <= before.pods[node]]
    if not judged:
        raise Inconclusive("other programs created pods on every node meanwhile")
    if {"host-local", "cni0-bridge"} <= testbed.offered:
        yield from leaks(testbed)
    if "pod-cidr" in testbed.offered:
        yield from stale_addresses(testbed, now)
    for node in judged:
        for trace in leftovers.left(before.traces[node], now[node]):
            yield Finding(node, trace.kind, "nothing that was not there before the pods", trace.line)


def stale_addresses(testbed: Testbed, now: dict[str, Traces]) -> Iterator[Finding]:
    """State of a node with an address of its pod networks that belongs to no pod."""
    cidrs = {node["metadata"]["name"]: node["spec"]["podCIDRs"] for node in testbed.kube.nodes()}
    pods = testbed.kube.pods("")
    for node, traces in now.items():
        live = {entry["ip"] for pod in probe_pods.attached(pods, node) for entry in pod["status"]["podIPs"]}
        for trace in leftovers.with_stale_addresses(traces, cidrs[node], live):
            yield Finding(node, trace.kind, "none of an address that no pod has", trace.line)


def leaks(testbed: Testbed) -> Iterator[Finding]:
    """Address records and bridge ports that belong to no live pod."""
    all_pods = testbed.kube.pods("")
    for node in testbed.nodes:
        pods = probe_pods.attached(all_pods, node)
        live = {entry["ip"] for pod in pods for entry in pod["status"]["podIPs"]}
        records = set(run_on(testbed.cluster, node, ["sh", "-c", f"{RECORDS}; true"]).out.split())
        records = {record for record in records if record[0].isalnum() and not record.startswith("last")}
        if records != live:
            yield Finding(node, "address records", str(sorted(live)), str(sorted(records)))
        ports = int(run_on(testbed.cluster, node, ["sh", "-c", PORTS]).out)
        if ports != len(pods):
            yield Finding(node, "ports of cni0", str(len(pods)), str(ports))


@requirement("D64")
@needs(NODE_COMMANDS)
@disturbs
def test_pods_that_went_left_nothing(testbed: Testbed, expect: Expect) -> None:
    """After pods of every lifecycle are deleted, each node only has the state of its live pods."""
    before = baseline(testbed)
    expect.facts["read"] = {node: sum(traces.values()) for node, traces in before.traces.items()}
    create_and_delete(testbed)
    what = "a node keeps state of deleted pods"
    expect.nothing_soon(lambda: list(left_behind(testbed, before)), what, patience=LEFT)
