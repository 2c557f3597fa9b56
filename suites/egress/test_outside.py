"""Pods and the world outside the cluster: D40 to D42."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Self

from fixtures.clusters.protocol import EXTERNAL_HOST
from fixtures.clusters.topology import POD_NETWORK
from fixtures.nodestate import Finding
from fixtures.testbed import OUTSIDE, Testbed
from fixtures.world import PORTS
from policies.flow import Expected, Target
from reports.outcome import Inconclusive
from suites.expect import Expect, to_pod
from suites.marks import needs, requirement

if TYPE_CHECKING:
    from collections.abc import Iterator

UPLINK = "eth0"  # the nodes' interface to the underlay


def outward(testbed: Testbed, family: str, *, masqueraded: bool = False) -> list[Expected]:
    """Flows from every pod to the outside host."""
    address = testbed.topology.outside_ip("ipv6" if family == "ipv6" else "ipv4")
    return [
        Expected(
            pod.key,
            OUTSIDE,
            Target(protocol, address, PORTS[0]),
            identities=frozenset({OUTSIDE}),
            sources=frozenset({testbed.hosts[pod.node].ip(family)}) if masqueraded else frozenset(),
        )
        for pod in testbed.pods.values()
        for protocol in ("tcp", "udp")
    ]


class Uplinks:
    """Captures on every node's uplink while a case sends its flows."""

    def __init__(self, testbed: Testbed, name: str) -> None:
        self.testbed = testbed
        self.name = name
        self.packets: list[tuple[str, dict[str, Any]]] = []
        self.lost = 0

    def __enter__(self) -> Self:
        for host in self.testbed.hosts.values():
            self.testbed.probers[host.key].start_capture(self.name, UPLINK)
        return self

    def __exit__(self, *_: object) -> None:
        for node, host in self.testbed.hosts.items():
            captured = self.testbed.probers[host.key].stop_capture(self.name)
            self.lost += captured["lost"]
            self.packets += [(node, packet) for packet in captured["packets"]]
        if self.lost:
            raise Inconclusive(f"the captures on {UPLINK} lost {self.lost} packets, so an absence proves nothing")

    def bare_pod_packets(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Packets whose outermost header has a pod's address."""
        for node, packet in self.packets:
            outer = packet["headers"][0]
            if outer["protocol"] != "arp" and (is_pod(outer["src"]) or is_pod(outer["dst"])):
                yield node, packet


def is_pod(address: str) -> bool:
    """Whether an address is in the pod network."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in POD_NETWORK.values())


def told(node: str, packet: dict[str, Any], expected: str) -> Finding:
    """A packet as a finding."""
    outer = packet["headers"][0]
    seen = f"{packet['count']} × {outer['protocol']} {outer['src']}:{outer['sport']} → {outer['dst']}:{outer['dport']}"
    return Finding(node, f"packets {packet['direction']} on {UPLINK}", expected, seen)


@requirement("D40")
@needs(EXTERNAL_HOST)
def test_pods_reach_the_outside(testbed: Testbed, expect: Expect, family: str) -> None:
    """Pods of every node reach a host outside the cluster over TCP and UDP."""
    expect.flows(outward(testbed, family))


@requirement("D41")
@needs(EXTERNAL_HOST, "masquerade")
def test_the_outside_sees_nodes_and_never_pods(testbed: Testbed, expect: Expect, family: str) -> None:
    """The outside host sees the node's address, and no packet with a pod's address leaves for it."""
    outside = testbed.topology.outside_ip("ipv6" if family == "ipv6" else "ipv4")
    with Uplinks(testbed, f"D41-{family}") as uplinks:
        expect.flows(outward(testbed, family, masqueraded=True))
    seen = sum(packet["count"] for _, packet in uplinks.packets if outside in _ends(packet))
    expect.facts["packets"] = seen
    assert seen, f"the captures on {UPLINK} saw no packet of the flows that got through"
    leaked = [(node, packet) for node, packet in uplinks.bare_pod_packets() if outside in _ends(packet)]
    expect.nothing([told(*found, "no pod address") for found in leaked], "pod addresses leave the cluster")


@requirement("D42")
def test_pod_traffic_is_not_translated_and_not_bare(testbed: Testbed, expect: Expect, family: str) -> None:
    """Between pods nothing is source-translated; with encapsulation no bare pod packet is on the underlay."""
    flows = [
        to_pod(client.key, server, protocol, PORTS[1], family, sources=frozenset({client.ip(family)}))
        for client, server in testbed.pairs(same_node=False)
        for protocol in ("tcp", "udp")
    ]
    with Uplinks(testbed, f"D42-{family}") as uplinks:
        expect.flows(flows)
    encapsulation = testbed.cni.variant.encapsulation
    expect.facts["encapsulation"] = encapsulation
    wrapped_pairs = {
        frozenset({client.ip(family), server.ip(family)})
        for client, server in testbed.pairs(same_node=False)
        if testbed.encapsulated(client.node, server.node)
    }
    if not wrapped_pairs:
        return
    wrapped = sum(p["count"] for _, p in uplinks.packets if p["headers"][0]["protocol"] == encapsulation)
    expect.facts["encapsulated packets"] = wrapped
    assert wrapped, f"the captures on {UPLINK} saw no {encapsulation} packet of the flows that got through"
    bare = [found for found in uplinks.bare_pod_packets() if frozenset(_ends(found[1])) in wrapped_pairs]
    expect.nothing([told(*found, f"inside {encapsulation}") for found in bare], "bare pod packets on the underlay")


def _ends(packet: dict[str, Any]) -> tuple[str, str]:
    outer = packet["headers"][0]
    return outer["src"], outer["dst"]
