"""The path of pods' packets, and their traces on the underlay: K01, K05, K07."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from fixtures.clusters.protocol import NODE_COMMANDS
from fixtures.clusters.topology import UPLINK
from fixtures.cnis.node_state import Finding
from fixtures.cnis.placeholders import Placeholder
from fixtures.probes.pods import PORTS
from policies.flow import Target
from suites.support.captures import Captures, is_pod
from suites.support.expect import Expect, require
from suites.support.marks import disturbs, needs, requirement

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fixtures.probes.pods import ProbePod
    from fixtures.probes.results import CapturedPackets
    from fixtures.testbed.testbed import Testbed

ADDRESS = re.compile(r"[0-9a-fA-F]*[.:][0-9a-fA-F.:]+")
SECOND_PORT = 90
FLOWS = 20  # new flows to a peer while ARP packets are counted


def hops(testbed: Testbed, client: ProbePod, server: ProbePod) -> list[tuple[str, str]]:
    """The hops (node, interface) of a packet between pods on two nodes."""
    device = testbed.placeholders(client.node).get(Placeholder.DEVICE, "")
    tunnel = testbed.encapsulated(client.node, server.node) and device
    encrypted = testbed.cni.variant.encapsulation == "wireguard"  # then the packet is not visible on the uplink
    outward = ["cni0", *([device] if tunnel else []), *([] if encrypted else [UPLINK])]
    return [(client.node, each) for each in outward] + [(server.node, each) for each in reversed(outward)]


def passed(packets: Iterable[CapturedPackets], pair: tuple[str, str]) -> int:
    """The number of a pair's datagrams that passed an interface, encapsulated or not; in and out count once."""
    counts = {"in": 0, "out": 0}
    for packet in packets:
        if any(header.pair == pair and header.protocol == "udp" for header in packet.headers):
            counts[packet.direction] += packet.count
    return max(counts.values())


@requirement("K01")
@needs(NODE_COMMANDS, "cni0-bridge")
@disturbs
def test_a_packet_passes_the_hops_that_are_drawn(testbed: Testbed, expect: Expect) -> None:
    """One datagram passes bridge, tunnel and uplink of its node, then uplink, tunnel and bridge of the other."""
    if len(testbed.nodes) < 2:
        pytest.skip("the cluster has nothing of the kind: too few nodes")
    client, server = testbed.pods_on(testbed.nodes[0])[0], testbed.pods_on(testbed.nodes[-1])[0]
    path, family = hops(testbed, client, server), testbed.topology.families[0]
    pair = (client.ip(family), server.ip(family))

    def differing() -> list[str]:
        for node, interface in path:
            testbed.probers[testbed.hosts[node].key].start_capture(f"K01-{interface}", interface)
        testbed.probers[client.key].probe([Target("udp", server.ip(family), PORTS[0])])
        counted = [
            (
                f"{node} {each}",
                passed(testbed.probers[testbed.hosts[node].key].stop_capture(f"K01-{each}").packets, pair),
            )
            for node, each in path
        ]
        expect.facts["hops"] = counted
        return [f"{hop}: expected 1 packet, saw {count}" for hop, count in counted if count != 1]

    expect.nothing_soon(differing, "the path differs")


@requirement("K05")
@needs(NODE_COMMANDS)
@disturbs
def test_packets_of_the_pod_mtu_are_not_split(testbed: Testbed, expect: Expect, family: str) -> None:
    """Packets as large as the MTU of pods' routes are not fragmented on the underlay."""
    first = [testbed.pods_on(node)[0] for node in testbed.nodes]
    if len(first) < 2:
        pytest.skip("the cluster has nothing of the kind: too few nodes")
    with Captures(testbed, f"K05-{family}") as captures:
        for client in first:
            prober = testbed.probers[client.key]
            for server in first:
                if server.node != client.node:
                    target = Target("udp", server.ip(family), PORTS[0])
                    prober.sizes(target, [prober.route_mtu(target)])
    findings = [Finding(node, f"fragments on {UPLINK}", "none", str(p)) for node, p in captures.packets if p.fragments]
    expect.nothing(findings, "packets are fragmented")


@requirement("K07")
@needs(NODE_COMMANDS)
@disturbs
def test_new_flows_ask_for_no_neighbours(testbed: Testbed, expect: Expect) -> None:
    """During twenty new flows to a peer a node sends no more ARP packets on the underlay than there are nodes."""
    if len(testbed.nodes) < 2 or "ipv4" not in testbed.topology.families:
        pytest.skip("the cluster has nothing of the kind: too few nodes, or no IPv4")
    client, server = testbed.pods_on(testbed.nodes[0])[0], testbed.pods_on(testbed.nodes[1])[0]
    if not is_pod(server.ip("ipv4")):
        pytest.skip(f"pods of {testbed.cni} are hosts of the underlay, where they resolve each other by ARP")
    testbed.probers[client.key].probe([Target("tcp", server.ip("ipv4"), PORTS[0])])  # fills the neighbour tables
    with Captures(testbed, "K07") as captures:
        testbed.probers[client.key].probe([Target("tcp", server.ip("ipv4"), PORTS[0])], rounds=FLOWS)
    requests = sum(p.count for p in captures.leaving(client.node) if p.outer.protocol == "arp")
    expect.facts["requests"] = requests
    require(requests <= len(testbed.nodes), f"{requests} ARP packets left {client.node} during {FLOWS} flows")
