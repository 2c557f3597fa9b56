"""Packets as large as they may be, and one byte larger: D12, D13, D57."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from fixtures.clusters.protocol import NODE_COMMANDS
from fixtures.nodestate import Finding
from fixtures.world import PORTS
from policies.flow import Target
from suites.marks import needs, requirement

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fixtures.testbed import Testbed
    from suites.expect import Expect

IPV6_MORE = 20  # bytes by which an IPv6 header is larger; it counts where the outer packet is IPv6


def pod_mtu(testbed: Testbed) -> int:
    """What the encapsulation leaves of the underlay's MTU, in bytes."""
    variant = testbed.cni.variant
    outer_ipv6 = variant.encapsulation != "none" and "ipv6" in testbed.topology.families
    return testbed.topology.mtu - variant.overhead - (IPV6_MORE if outer_ipv6 else 0)


def outcomes(testbed: Testbed, family: str, size: int, expected: str) -> list[Finding]:
    """The pairs of pods between which a packet of this size has another outcome."""

    def from_pod(key: str) -> Iterator[Finding]:
        for server in testbed.pods.values():
            if server.key != key:
                target = Target("udp", server.ip(family), PORTS[0])
                (seen,) = testbed.probers[key].sizes(target, [size])
                if seen != expected:
                    yield Finding(key, f"{size} bytes to {server.key}", expected, seen)

    with ThreadPoolExecutor(16) as pool:
        return [finding for found in pool.map(lambda key: list(from_pod(key)), testbed.pods) for finding in found]


@requirement("D12")
def test_a_packet_of_the_pod_mtu_passes_everywhere(testbed: Testbed, expect: Expect, family: str) -> None:
    """An unfragmentable packet as large as the pod MTU passes between all pods."""
    size = pod_mtu(testbed)
    expect.facts["bytes"] = size
    expect.nothing(outcomes(testbed, family, size, "connected"), f"packets of {size} bytes do not pass")


@requirement("D13")
def test_a_larger_packet_is_refused_at_once(testbed: Testbed, expect: Expect, family: str) -> None:
    """One byte more than the pod MTU is refused to the sender, never swallowed."""
    size = pod_mtu(testbed) + 1
    expect.facts["bytes"] = size
    expect.nothing(outcomes(testbed, family, size, "too-big"), f"packets of {size} bytes are not refused")


@requirement("D57")
@needs(NODE_COMMANDS)
def test_bridge_and_ports_have_the_pod_mtu(testbed: Testbed, expect: Expect) -> None:
    """The pod bridge and all its ports have the MTU that the encapsulation leaves."""
    wanted = pod_mtu(testbed)
    findings = []
    checked = 0
    for name, state in testbed.snapshot().nodes.items():
        for link in state.table("links"):
            if "cni0" in {link["ifname"], link.get("master")}:
                checked += 1
                if link["mtu"] != wanted:
                    findings.append(Finding(name, f"MTU of {link['ifname']}", str(wanted), str(link["mtu"])))
    expect.facts["links"] = checked
    expect.nothing(findings, "links have another MTU")
