"""What pods leave behind on their nodes when they go: D64."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fixtures import waiting
from fixtures.clusters.protocol import NODE_COMMANDS, run_on
from fixtures.cnis.node_state import Finding
from fixtures.probes import pods as world
from fixtures.testbed import leftovers as remains
from fixtures.testbed.pod_churn import WAYS, Visitors
from fixtures.waiting import NeverHappenedError
from reports.outcome import Inconclusive, Refuted
from suites.support.marks import disturbs, needs, requirement

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fixtures.testbed.leftovers import Traces
    from fixtures.testbed.pod_churn import Way
    from fixtures.testbed.testbed import Testbed
    from suites.support.expect import Expect

RECORDS = "cd /var/lib/cni/networks 2>/dev/null && find . -type f -name '[0-9a-f]*[.:]*' | sed 's,.*/,,'"
PORTS = "ip -o link show master cni0 2>/dev/null | wc -l"
ROUNDS = 2  # in which the same pods come and go: what is kept by a pod's name shows in the second
REST_PATIENCE = 15.0  # seconds until no pod comes or goes; our patience, a namespace that is deleted takes about six
QUIET_PATIENCE = 5.0  # seconds until nothing changes on nodes; our patience, what never rests is compared all the same
PATIENCE = 12.0  # seconds; our patience: a kubelet ends a pod that was deleted at once after the API has forgotten it


@dataclass(frozen=True)
class Before:
    """Nodes before pods come: what is on each, and which pods."""

    traces: dict[str, Traces]
    pods: dict[str, set[str]]


def pods_of(testbed: Testbed) -> dict[str, set[str]]:
    """The UIDs of the pods on each node, whatever they do."""
    found = testbed.kube.pods("")
    return {
        node: {pod["metadata"]["uid"] for pod in found if pod["spec"].get("nodeName") == node}
        for node in testbed.nodes
    }


def at_rest(testbed: Testbed) -> bool:
    """Whether on the nodes no pod is coming or going; what other cases deleted may take a moment."""
    there = [pod for pod in testbed.kube.pods("") if pod["spec"].get("nodeName") in testbed.nodes]
    return all("deletionTimestamp" not in p["metadata"] and p["status"].get("phase") != "Pending" for p in there)


def look(testbed: Testbed) -> Before:
    """Nodes once nothing changes on them any more.

    Rules are those after one pod has come and gone: plugins make chains with the first that needs them, and keep them.
    """
    before = seen(testbed)
    come_and_go(testbed, [way for way in WAYS if way.host_ports], 1)
    later = seen(testbed).traces
    return Before({n: remains.with_rules_of(before.traces[n], later[n]) for n in testbed.nodes}, before.pods)


def seen(testbed: Testbed) -> Before:
    """Nodes once nothing changes on them any more."""

    def read() -> dict[str, Traces]:
        return remains.read(testbed.cluster, testbed.nodes)

    with contextlib.suppress(NeverHappenedError):
        waiting.until(lambda: at_rest(testbed), "no pod coming or going", patience=REST_PATIENCE)
        return Before(waiting.unchanging(read, "nothing changing on nodes", patience=QUIET_PATIENCE), pods_of(testbed))
    return Before(read(), pods_of(testbed))


def come_and_go(testbed: Testbed, ways: Sequence[Way] = WAYS, rounds: int = ROUNDS) -> None:
    """Let pods of every kind come to each node and go again.

    Raises:
        Refuted: some do not go.
        Inconclusive: some do not come.
    """
    visitors = Visitors(testbed.kube, testbed.nodes, "host-port" in testbed.offered, ways)
    for _ in range(rounds):
        try:
            visitors.come()
        except NeverHappenedError as error:
            raise Inconclusive(f"pods that are to go do not come (D66): {error}") from error
        finally:
            try:
                visitors.go()
            except NeverHappenedError as error:
                raise Refuted(f"pods that are deleted do not go: {error}") from error


def left_behind(testbed: Testbed, before: Before) -> Iterator[Finding]:
    """What nodes have that is no pod's any more.

    Raises:
        Inconclusive: pods of others came to every node meanwhile, so nobody knows whose it is.
    """
    now, there = remains.read(testbed.cluster, testbed.nodes), pods_of(testbed)
    judged = [node for node in testbed.nodes if there[node] <= before.pods[node]]
    if not judged:
        raise Inconclusive("pods of others came to every node meanwhile")
    if {"host-local", "cni0-bridge"} <= testbed.offered:
        yield from leaks(testbed)
    if "pod-cidr" in testbed.offered:
        yield from strangers(testbed, now)
    for node in judged:
        for trace in remains.left(before.traces[node], now[node]):
            yield Finding(node, trace.kind, "nothing that was not there before pods came and went", trace.line)


def strangers(testbed: Testbed, now: dict[str, Traces]) -> Iterator[Finding]:
    """What on a node names an address of its pod networks that no pod has."""
    cidrs = {node["metadata"]["name"]: node["spec"]["podCIDRs"] for node in testbed.kube.nodes()}
    found = testbed.kube.pods("")
    for node, traces in now.items():
        live = {entry["ip"] for pod in world.attached(found, node) for entry in pod["status"]["podIPs"]}
        for trace in remains.of_no_pod(traces, cidrs[node], live):
            yield Finding(node, trace.kind, "none of an address that no pod has", trace.line)


def leaks(testbed: Testbed) -> Iterator[Finding]:
    """Address records and bridge ports that are not those of live pods."""
    found = testbed.kube.pods("")
    for node in testbed.nodes:
        pods = world.attached(found, node)
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
    """After pods of every kind came and went, each node has what its live pods have, and nothing else is new there."""
    before = look(testbed)
    expect.facts["read"] = {node: sum(traces.values()) for node, traces in before.traces.items()}
    come_and_go(testbed)
    what = "a node keeps what no live pod has"
    expect.nothing_soon(lambda: list(left_behind(testbed, before)), what, patience=PATIENCE)
