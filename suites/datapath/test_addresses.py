"""Addresses: podCIDRs, pod IPs, and the records about them: D58, D64, D65."""

from __future__ import annotations

import itertools
from collections import Counter
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

from fixtures.clusters.protocol import NODE_COMMANDS, run_on
from fixtures.clusters.topology import POD_NETWORK, SEGMENTS, SERVICE_NETWORK
from fixtures.cnis.node_state import Finding
from policies.families import family_of
from suites.support.marks import needs, requirement

if TYPE_CHECKING:
    from fixtures.kube.client import Object
    from fixtures.testbed.testbed import Testbed
    from suites.support.expect import Expect

RECORDS = "cd /var/lib/cni/networks 2>/dev/null && find . -type f -name '[0-9a-f]*[.:]*' | sed 's,.*/,,'"
PORTS = "ip -o link show master cni0 2>/dev/null | wc -l"
SETTLE = 5.0  # seconds; our patience with pods that other cases create and delete meanwhile


def pods_by_node(testbed: Testbed) -> dict[str, list[Object]]:
    """Pods of the pod network that have an address, by node, those in deletion included."""
    result: dict[str, list[Object]] = {node: [] for node in testbed.nodes}
    for pod in testbed.kube.pods(""):
        if not pod["spec"].get("hostNetwork") and pod.get("status", {}).get("podIPs"):
            result[pod["spec"]["nodeName"]].append(pod)
    return result


@requirement("D58")
@needs("pod-cidr")
def test_pod_networks_of_nodes_are_disjoint_and_in_place(testbed: Testbed, expect: Expect) -> None:
    """The nodes' podCIDRs are disjoint, inside the pod network, and clear of underlay and Services."""
    cidrs = [
        (node["metadata"]["name"], ip_network(cidr))
        for node in testbed.kube.nodes()
        for cidr in node["spec"]["podCIDRs"]
    ]
    findings = [
        Finding(one, "podCIDR", f"disjoint from {other}'s {b}", str(a))
        for (one, a), (other, b) in itertools.combinations(cidrs, 2)
        if a.version == b.version and a.overlaps(b)
    ]
    for name, cidr in cidrs:
        family = family_of(str(cidr))
        network = POD_NETWORK[family]
        if not (network.overlaps(cidr) and network.prefixlen <= cidr.prefixlen):
            findings.append(Finding(name, "podCIDR", f"inside {network}", str(cidr)))
        taken = (*SEGMENTS[family], SERVICE_NETWORK[family])
        findings += [Finding(name, "podCIDR", f"clear of {t}", str(cidr)) for t in taken if cidr.overlaps(t)]
    expect.nothing(findings, "podCIDRs overlap or are out of place")


@requirement("D65")
@needs("pod-cidr")
def test_pod_addresses_are_unique_and_in_their_nodes_network(testbed: Testbed, expect: Expect) -> None:
    """No two pods share an address, and each address is inside its node's podCIDR."""
    cidrs = {
        node["metadata"]["name"]: [ip_network(cidr) for cidr in node["spec"]["podCIDRs"]]
        for node in testbed.kube.nodes()
    }
    addresses = [
        (name, pod["metadata"]["name"], entry["ip"])
        for name, pods in pods_by_node(testbed).items()
        for pod in pods
        if "deletionTimestamp" not in pod["metadata"]
        for entry in pod["status"]["podIPs"]
    ]
    counted = Counter(ip for _, _, ip in addresses)
    findings = [
        Finding(node, f"address of {pod}", "an address of its own", f"{ip}, {counted[ip]} times")
        for node, pod, ip in addresses
        if counted[ip] > 1
    ]
    findings += [
        Finding(node, f"address of {pod}", f"inside {cidrs[node]}", ip)
        for node, pod, ip in addresses
        if not any(ip_address(ip) in cidr for cidr in cidrs[node])
    ]
    expect.facts["addresses"] = len(addresses)
    expect.nothing(findings, "pod addresses are shared or out of place")


def leaks(testbed: Testbed) -> list[Finding]:
    """Address records and bridge ports that are not those of live pods."""
    findings = []
    for node, pods in pods_by_node(testbed).items():
        live = {entry["ip"] for pod in pods for entry in pod["status"]["podIPs"]}
        records = set(run_on(testbed.cluster, node, ["sh", "-c", f"{RECORDS}; true"]).out.split())
        records = {record for record in records if record[0].isalnum() and not record.startswith("last")}
        if records != live:
            findings.append(Finding(node, "address records", str(sorted(live)), str(sorted(records))))
        ports = int(run_on(testbed.cluster, node, ["sh", "-c", PORTS]).out)
        if ports != len(pods):
            findings.append(Finding(node, "ports of cni0", str(len(pods)), str(ports)))
    return findings


@requirement("D64")
@needs(NODE_COMMANDS, "host-local", "cni0-bridge")
def test_records_and_ports_are_those_of_live_pods(testbed: Testbed, expect: Expect) -> None:
    """host-local's records and the bridge's ports on each node are exactly its live pods'."""
    expect.nothing_soon(lambda: leaks(testbed), "a node keeps what no live pod has", patience=SETTLE)
