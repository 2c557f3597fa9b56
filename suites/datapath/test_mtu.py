"""Packets of the MTU's size, and one byte larger: D12, D13, D57."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from fixtures.clusters.protocol import NODE_COMMANDS
from fixtures.cnis.catalogue import DECLARED_ENCAPSULATION
from fixtures.cnis.node_state import Finding
from fixtures.probes.flows import to_pod
from fixtures.probes.pods import PORTS
from policies.flow import Target
from suites.support.marks import needs, requirement

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fixtures.testbed.testbed import Testbed
    from suites.support.expect import Expect

BRIDGE = "cni0"


def room(testbed: Testbed, family: str) -> int:
    """The underlay's MTU minus the overhead of the encapsulation for a family, in bytes."""
    return testbed.cni.variant.room(testbed.topology.mtu, family)


def outcomes(testbed: Testbed, family: str, size: int | None, expected: str) -> list[Finding]:
    """The pairs of pods between which a packet has another outcome.

    Args:
        testbed: the cluster under test.
        family: family of the packets.
        size: size of the packets in bytes, sent to other nodes only; None for each client's own MTU, sent to all pods.
        expected: the outcome.
    """
    nodes = {pod.key: pod.node for pod in testbed.pods.values()}

    def from_pod(key: str) -> Iterator[Finding]:
        prober = testbed.probers[key]
        bytes_ = size or prober.mtu()
        for server in testbed.pods.values():
            if server.key != key and (size is None or server.node != nodes[key]):
                (outcome,) = prober.sizes(Target("udp", server.ip(family), PORTS[0]), [bytes_])
                if outcome != expected:
                    yield Finding(key, f"{bytes_} bytes to {server.key}", expected, outcome)

    with ThreadPoolExecutor(16) as pool:
        by_pod = pool.map(lambda key: list(from_pod(key)), testbed.pods)
        return [finding for findings in by_pod for finding in findings]


@requirement("D12")
def test_a_packet_of_the_pod_mtu_passes_everywhere(testbed: Testbed, expect: Expect, family: str) -> None:
    """An unfragmentable packet as large as the MTU of the pod's interface passes between all pods."""
    what = "packets of the pods' MTU do not pass"
    servers = [to_pod(pod.key, pod, "udp", PORTS[0], family) for pod in testbed.pods.values()]
    with expect.answering(servers):
        expect.nothing_soon(lambda: outcomes(testbed, family, None, "connected"), what)


@requirement("D13")
@needs(DECLARED_ENCAPSULATION)
def test_a_larger_packet_is_refused_at_once(testbed: Testbed, expect: Expect, family: str) -> None:
    """A packet one byte larger than the encapsulation allows is refused at the sender, not dropped silently."""
    size = room(testbed, family) + 1
    what = "packets that do not fit are not refused"
    expect.nothing_soon(lambda: outcomes(testbed, family, size, "too-big"), what)


@requirement("D57")
@needs(NODE_COMMANDS, DECLARED_ENCAPSULATION)
def test_bridge_and_ports_have_the_pod_mtu(testbed: Testbed, expect: Expect) -> None:
    """The pods, and the pod bridge and its ports if the plugin has one, have the MTU that the encapsulation leaves."""
    expected = expect.facts["mtu"] = min(room(testbed, family) for family in testbed.topology.families)
    links = [
        (name, link["ifname"], link["mtu"])
        for name, state in testbed.snapshot().nodes.items()
        for link in state.table("links")
        if BRIDGE in {link["ifname"], link.get("master")}
    ]
    pods = [(key, "its eth0", testbed.probers[key].mtu()) for key in testbed.pods]
    expect.facts["interfaces"] = len(links) + len(pods)
    bridged = {name for name, link, _ in links if link == BRIDGE}
    declared = "cni0-bridge" in testbed.cni.variant.features
    missing = [Finding(node, BRIDGE, "a bridge", "none") for node in testbed.nodes if declared and node not in bridged]
    wrong = [
        Finding(where, f"MTU of {link}", str(expected), str(mtu))
        for where, link, mtu in (*links, *pods)
        if mtu != expected
    ]
    expect.nothing([*missing, *wrong], "links have another MTU")
