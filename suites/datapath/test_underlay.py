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
FLOWS = 20  # fresh flows to one peer while requests for neighbours are counted


def hops(testbed: Testbed, client: ProbePod, server: ProbePod) -> list[tuple[str, str]]:
    """(node, interface) that a packet passes from a pod to one on another node."""
    device = testbed.placeholders(client.node).get(Placeholder.DEVICE, "")
    tunnel = testbed.encapsulated(client.node, server.node) and device
    encrypted = testbed.cni.variant.encapsulation == "wireguard"  # then the packet is not visible on the uplink
    there = ["cni0", *([device] if tunnel else []), *([] if encrypted else [UPLINK])]
    return [(client.node, each) for each in there] + [(server.node, each) for each in reversed(there)]


def passed(packets: Iterable[CapturedPackets], pair: tuple[str, str]) -> int:
    """How many datagrams of a pair of pods passed an interface, encapsulated or not; in and out count once."""
    seen = {"in": 0, "out": 0}
    for packet in packets:
        if any(header.pair == pair and header.protocol == "udp" for header in packet.headers):
            seen[packet.direction] += packet.count
    return max(seen.values())


@requirement("K01")
@needs(NODE_COMMANDS, "cni0-bridge")
@disturbs
def test_a_packet_passes_the_hops_that_are_drawn(testbed: Testbed, expect: Expect) -> None:
    """One datagram passes bridge, tunnel and uplink of its node, then uplink, tunnel and bridge of the other."""
    if len(testbed.nodes) < 2:
        pytest.skip("the cluster has nothing of the kind: too few nodes")
    client, server = testbed.pods_on(testbed.nodes[0])[0], testbed.pods_on(testbed.nodes[-1])[0]
    way, family = hops(testbed, client, server), testbed.topology.families[0]
    for node, interface in way:
        testbed.probers[testbed.hosts[node].key].start_capture(f"K01-{interface}", interface)
    testbed.probers[client.key].probe([Target("udp", server.ip(family), PORTS[0])])
    pair = (client.ip(family), server.ip(family))
    counted = [
        (
            f"{node} {each}",
            passed(testbed.probers[testbed.hosts[node].key].stop_capture(f"K01-{each}").packets, pair),
        )
        for node, each in way
    ]
    expect.facts["hops"] = counted
    expect.nothing(
        [f"{hop}: expected 1 packet, saw {count}" for hop, count in counted if count != 1], "the way differs"
    )


@requirement("K05")
@needs(NODE_COMMANDS)
@disturbs
def test_packets_of_the_pod_mtu_are_not_split(testbed: Testbed, expect: Expect, family: str) -> None:
    """Packets as large as pods' routes allow leave as they are: the underlay carries no fragment of them."""
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
    found = [Finding(node, f"fragments on {UPLINK}", "none", str(p)) for node, p in captures.packets if p.fragments]
    expect.nothing(found, "packets are split")


@requirement("K07")
@needs(NODE_COMMANDS)
@disturbs
def test_new_flows_ask_for_no_neighbours(testbed: Testbed, expect: Expect) -> None:
    """During twenty fresh flows to a peer a node sends no more ARP on the underlay than there are nodes."""
    if len(testbed.nodes) < 2 or "ipv4" not in testbed.topology.families:
        pytest.skip("the cluster has nothing of the kind: too few nodes, or no IPv4")
    client, server = testbed.pods_on(testbed.nodes[0])[0], testbed.pods_on(testbed.nodes[1])[0]
    if not is_pod(server.ip("ipv4")):
        pytest.skip(f"pods of {testbed.cni} are hosts of the underlay and ask for each other there")
    testbed.probers[client.key].probe([Target("tcp", server.ip("ipv4"), PORTS[0])])  # the neighbours are known then
    with Captures(testbed, "K07") as captures:
        testbed.probers[client.key].probe([Target("tcp", server.ip("ipv4"), PORTS[0])], rounds=FLOWS)
    requests = sum(p.count for p in captures.leaving(client.node) if p.outer.protocol == "arp")
    expect.facts["requests"] = requests
    require(requests <= len(testbed.nodes), f"{requests} ARP packets left {client.node} during {FLOWS} flows")
