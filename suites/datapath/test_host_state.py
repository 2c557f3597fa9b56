"""Kernel settings of nodes, and their iptables backend: D59, D60, N11."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fixtures.clusters.protocol import NODE_COMMANDS
from fixtures.cnis.node_state import Finding, NodeState
from suites.support.marks import needs, requirement

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fixtures.testbed.testbed import Testbed
    from suites.support.expect import Expect

RP_FILTER, STRICT = "net.ipv4.conf.all.rp_filter", "1"
TABLES = {"0", "local", "main", "default"}


def settings(testbed: Testbed, state: NodeState) -> Iterator[Finding]:
    """Wrong sysctls and foreign policy routing rules of a node."""
    expected = {}
    if "ipv4" in testbed.topology.families:
        expected["net.ipv4.ip_forward"] = "1"
    if "ipv6" in testbed.topology.families:
        expected["net.ipv6.conf.all.forwarding"] = "1"
    if "cni0-bridge" in testbed.cni.variant.features:
        expected["net.bridge.bridge-nf-call-iptables"] = "1"
        expected["net.bridge.bridge-nf-call-ip6tables"] = "1"
    for name, value in expected.items():
        if state.sysctl(name) != value:
            yield Finding(state.name, name, value, state.sysctl(name) or "none")
    for rule in state.table("rules"):
        if rule.get("table") not in TABLES:
            yield Finding(state.name, "policy routing rule", "none but the kernel's", str(rule))


@requirement("D59")
@needs(NODE_COMMANDS)
def test_sysctls_and_routing_rules_let_pods_work(testbed: Testbed, expect: Expect) -> None:
    """Every node forwards packets, passes bridged ones through iptables, and has no foreign routing rule."""
    findings = [finding for state in testbed.snapshot().nodes.values() for finding in settings(testbed, state)]
    expect.nothing(findings, "nodes are not set up for pods")


@requirement("N11")
@needs(NODE_COMMANDS)
def test_no_node_filters_reverse_paths_strictly(testbed: Testbed, expect: Expect) -> None:
    """No node drops packets that arrive on another interface than the one of the route back."""
    values = {name: state.sysctl(RP_FILTER) for name, state in testbed.snapshot().nodes.items()}
    findings = [Finding(name, RP_FILTER, "0 or 2", value) for name, value in values.items() if value == STRICT]
    expect.nothing(findings, "asymmetric paths are dropped")


@requirement("D60")
@needs(NODE_COMMANDS)
def test_only_one_iptables_backend_has_rules(testbed: Testbed, expect: Expect) -> None:
    """No node has rules in both iptables-legacy and iptables-nft, which would both be applied."""
    findings = []
    for state in testbed.snapshot().nodes.values():
        counts = {
            name: sum(line.startswith("-A") for line in state.raw[name].splitlines())
            for name in ("iptables-legacy", "iptables-nft")
        }
        expect.facts[f"rules on {state.name}"] = counts
        if all(counts.values()):
            findings.append(Finding(state.name, "iptables backends with rules", "one", str(counts)))
    expect.nothing(findings, "two iptables backends are in use")
