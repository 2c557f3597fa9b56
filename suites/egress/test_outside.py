"""Pods and external hosts: D40 to D42."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from fixtures.clusters.protocol import EXTERNAL_HOST
from fixtures.clusters.topology import UPLINK
from fixtures.probes.flows import to_pod
from fixtures.probes.pods import PORTS
from fixtures.testbed.testbed import OUTSIDE, Testbed
from policies.families import Family
from policies.flow import Flow, Target
from suites.support.captures import Captures, finding_of
from suites.support.expect import Expect, require
from suites.support.marks import disturbs, needs, requirement

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from fixtures.probes.results import CapturedPackets

GROUPS = {"ipv4": "239.255.110.112", "ipv6": "ff05::6e70"}  # for use inside an organisation (RFC 2365, RFC 4291)
LISTENED = 0.5  # seconds that a neighbour listens; a group has no answers


def outward(testbed: Testbed, family: str, *, masqueraded: bool = False) -> list[Flow]:
    """Flows from every pod to the external host."""
    address = testbed.topology.outside_ip(Family(family))
    return [
        Flow(
            pod.key,
            OUTSIDE,
            Target(protocol, address, PORTS[0]),
            identities=frozenset({OUTSIDE}),
            sources=frozenset({testbed.hosts[pod.node].ip(family)}) if masqueraded else frozenset(),
        )
        for pod in testbed.pods.values()
        for protocol in ("tcp", "udp")
    ]


def leaks(bare: Iterable[tuple[str, CapturedPackets]], outside: str) -> Iterator[tuple[str, CapturedPackets]]:
    """The packets with a pod's address that left for an address, unless all of them are resets.

    A reset that answers a packet which comes after the end of its connection is invalid for conntrack, and leaves
    untranslated on every kernel; a busy machine has such packets.
    """
    for node, packet in bare:
        if packet.direction == "out" and packet.outer.dst == outside and packet.count > packet.resets:
            yield node, packet


@requirement("D40")
@needs(EXTERNAL_HOST)
def test_pods_reach_the_outside(testbed: Testbed, expect: Expect, family: str) -> None:
    """Pods of every node reach a host outside the cluster over TCP and UDP."""
    expect.flows(outward(testbed, family))


@requirement("D41")
@needs(EXTERNAL_HOST, "masquerade")
@disturbs  # policy cases send from outside to pods, whose answers have pods' addresses
def test_the_outside_sees_nodes_and_never_pods(testbed: Testbed, expect: Expect, family: str) -> None:
    """The external host sees the node's address, and no packet with a pod's address leaves for it."""
    outside = testbed.topology.outside_ip(Family(family))
    with Captures(testbed, f"D41-{family}") as uplinks:
        expect.flows(outward(testbed, family, masqueraded=True))
    seen = sum(packet.count for _, packet in uplinks.packets if outside in packet.outer.pair)
    expect.facts["packets"] = seen
    require(seen, f"the captures on {UPLINK} saw no packet of the flows that got through")
    leaked = list(leaks(uplinks.bare_pod_packets(), outside))
    expect.nothing([finding_of(*found, "no pod address") for found in leaked], "pod addresses leave the cluster")


@requirement("D42")
def test_pod_traffic_is_not_translated_and_not_bare(testbed: Testbed, expect: Expect, family: str) -> None:
    """Between pods nothing is source-translated; with encapsulation no bare pod packet is on the underlay."""
    flows = [
        to_pod(client.key, server, protocol, PORTS[1], family, sources=frozenset({client.ip(family)}))
        for client, server in testbed.pairs(same_node=False)
        for protocol in ("tcp", "udp")
    ]
    with Captures(testbed, f"D42-{family}") as uplinks:
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
    wrapped = sum(p.count for _, p in uplinks.packets if p.outer.protocol == encapsulation)
    expect.facts["encapsulated packets"] = wrapped
    require(wrapped, f"the captures on {UPLINK} saw no {encapsulation} packet of the flows that got through")
    bare = [found for found in uplinks.bare_pod_packets() if frozenset(found[1].outer.pair) in wrapped_pairs]
    expect.nothing(
        [finding_of(*found, f"inside {encapsulation}") for found in bare], "bare pod packets on the underlay"
    )


@requirement("D42")
def test_multicast_is_not_translated(testbed: Testbed, expect: Expect, family: str) -> None:
    """A pod's datagrams to a multicast group reach its neighbours with the pod's own address."""
    group = Target("udp", GROUPS[family], PORTS[0])
    senders = [testbed.pods_on(node)[0] for node in testbed.nodes]
    neighbours = {node: testbed.pods_on(node)[1] for node in testbed.nodes}
    with (
        Captures(testbed, f"D42-multicast-{family}", "eth0", neighbours) as captures,
        ThreadPoolExecutor(len(senders)) as pool,
    ):
        list(pool.map(lambda sender: testbed.probers[sender.key].probe([group], timeout=LISTENED), senders))
    heard = {(node, packet.outer.src) for node, packet in captures.packets if packet.outer.dst == group.host}
    own = {sender.ip(family) for sender in senders}  # a plugin may carry them to other nodes too
    findings = [f"{node}: a sender of the group is seen as {source}" for node, source in heard if source not in own]
    expect.facts["neighbours that heard it"] = len({node for node, _ in heard})
    if not heard:
        pytest.skip("no neighbour hears a pod's multicast")
    expect.nothing(findings, "multicast of pods is translated")
