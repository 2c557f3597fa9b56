"""Addresses: podCIDRs and pod IPs: D58, D65."""

from __future__ import annotations

import itertools
from collections import Counter
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

from fixtures.clusters.topology import POD_NETWORK, SEGMENTS, SERVICE_NETWORK
from fixtures.cnis.node_state import Finding
from fixtures.probes import pods as probe_pods
from policies.families import family_of
from suites.support.marks import needs, requirement

if TYPE_CHECKING:
    from fixtures.testbed.testbed import Testbed
    from suites.support.expect import Expect


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
        Finding(node, "podCIDR", f"disjoint from {peer}'s {b}", str(a))
        for (node, a), (peer, b) in itertools.combinations(cidrs, 2)
        if a.version == b.version and a.overlaps(b)
    ]
    for name, cidr in cidrs:
        family = family_of(str(cidr))
        network = POD_NETWORK[family]
        if not (network.overlaps(cidr) and network.prefixlen <= cidr.prefixlen):
            findings.append(Finding(name, "podCIDR", f"inside {network}", str(cidr)))
        reserved = (*SEGMENTS[family], SERVICE_NETWORK[family])
        findings += [Finding(name, "podCIDR", f"clear of {n}", str(cidr)) for n in reserved if cidr.overlaps(n)]
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
        for name in testbed.nodes
        for pod in probe_pods.attached(testbed.kube.pods(""), name)
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
