"""Packets that a pod with CAP_NET_RAW forges: answers, addresses of others, tags: N17, N18, N19, N20."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from fixtures.clusters.protocol import BREAKABLE
from fixtures.probes.packet_messages import NOT_PERMITTED, ForgedPacket
from fixtures.probes.pods import PORTS
from fixtures.testbed import services
from policies import serialization
from policies.families import of_family
from policies.flow import CONNECTED, Target
from policies.model import NAMESPACE_LABEL
from reports.outcome import Inconclusive
from suites.support.captures import Captures
from suites.support.marks import disturbs, needs, requirement
from suites.support.policies import (
    LOST,
    PATIENCE,
    allow_ingress_from,
    allowed,
    denied,
    enforced,
    pod_selector,
    policy,
    unique_name,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fixtures.kube.client import Object
    from fixtures.probes.pods import ProbePod
    from fixtures.probes.results import Header
    from fixtures.testbed.testbed import Testbed
    from policies.families import Family
    from policies.flow import Flow
    from suites.support.expect import Expect

FIN, SYN, RST, ACK = 1, 2, 4, 16
SEGMENTS = {"SYN": SYN, "SYN-ACK": SYN | ACK, "ACK": ACK}  # of a server that is said to connect, and to answer
STRAY = {"SYN-ACK": SYN | ACK, "ACK": ACK, "FIN-ACK": FIN | ACK, "RST": RST, "RST-ACK": RST | ACK}
KNOWN_PORTS = (53, 123, 443)  # of servers whose answers filters without connection tracking let in
OPEN = PORTS[2]  # a port that policies of these cases open to everybody: what arrives there shows that forging works
FIRST_PORT, NUMBER_OF_PORTS = 20000, 12000  # below those that the kernel and the probes choose
PLACES = ("one node", "two nodes")
NEEDS = needs("network-policy", BREAKABLE)  # no network of others is sent forged packets without being asked
UNUSED = {4: "198.18.51.7", 6: "2001:db8:51::7"}  # addresses for benchmarks and documentation: no host has them


@dataclass(frozen=True)
class Attack:
    """A pod that forges, and the pod that it must not reach.

    Attributes:
        testbed: the cluster.
        client: the pod that forges.
        server: an isolated pod.
        family: the family of addresses.
    """

    testbed: Testbed
    client: ProbePod
    server: ProbePod
    family: Family

    @staticmethod
    def of(testbed: Testbed, place: str, family: Family) -> Attack:
        """The attack on a pod of the same node, or of another one."""
        server, beside = testbed.pods_on(testbed.nodes[0])[:2]
        if place == PLACES[0]:
            return Attack(testbed, beside, server, family)
        if len(testbed.nodes) == 1:
            pytest.skip("the cluster has one node")
        return Attack(testbed, testbed.pods_on(testbed.nodes[-1])[1], server, family)

    def denied(self, protocol: str) -> Flow:
        """The flow that stays denied."""
        return denied(self.client, self.server, self.family, protocol)

    def to_server(
        self, protocol: str, port: int, flags: int = 0, source: str = "", to: int = PORTS[0]
    ) -> ForgedPacket:
        """A packet to the server, with the own source address by default."""
        own, host = source or self.client.ip(self.family), self.server.ip(self.family)
        return ForgedPacket(protocol, own, port, host, to, flags)

    def from_server(self, protocol: str, port: int, flags: int = 0) -> ForgedPacket:
        """A packet that looks like one of the server to a port of the client, which sends it."""
        own, host = self.client.ip(self.family), self.server.ip(self.family)
        return ForgedPacket(protocol, host, PORTS[0], own, port, flags)

    def then_connect(self, packet: ForgedPacket, port: int) -> str:
        """The outcome of a flow to the server from a port, right after a forged packet.

        The packet goes to the next hops on the way to the server and to another node: on a bridge, a frame for the
        router passes through other hooks than one for a neighbour.
        """
        far = self.testbed.pods_on(self.testbed.nodes[-1])[0]
        ends = {pod.ip(self.family) for pod in (self.server, far) if pod is not self.client}
        target = Target(packet.protocol, self.server.ip(self.family), PORTS[0])
        prober = self.testbed.probers[self.client.key]
        return permitted(prober.forge([packet], via=sorted(ends), then=target, source_port=port, timeout=LOST))

    def send(self, packets: Sequence[ForgedPacket]) -> None:
        """Send forged packets on the way to the server."""
        permitted(self.testbed.probers[self.client.key].forge(packets, via=[self.server.ip(self.family)]))

    def arriving(self, packets: Sequence[ForgedPacket], expect: Expect) -> list[ForgedPacket]:
        """The packets that arrive at the server, as a capture there sees them.

        Raises:
            Inconclusive: a packet with the own source address to an open port does not arrive, or the capture lost
                packets.
        """
        control = self.to_server("udp", fresh_port(), to=OPEN)
        after = allowed(self.client, self.server, self.family, "udp", OPEN)
        with Captures(self.testbed, unique_name("forged"), "eth0", {self.server.key: self.server}) as captures:
            self.send([*packets, control])
            expect.flows([after], patience=PATIENCE)  # it has passed all that was sent before it
        heads = {packet.outer for _, packet in captures.packets if packet.direction == "in"}
        found = [packet for packet in (*packets, control) if any(is_of(packet, head) for head in heads)]
        if control not in found:
            raise Inconclusive(f"a forged packet with the own address of {self.client.key} does not arrive either")
        return [packet for packet in packets if packet in found]


def is_of(packet: ForgedPacket, head: Header) -> bool:
    """Whether a header is that of a forged packet: by its destination port, if that is not one of probe servers.

    A node may translate the source of a packet.
    """
    ends = packet.port not in PORTS or (packet.source, packet.source_port) == (head.src, head.sport)
    return ends and (packet.protocol, packet.port) == (head.protocol, head.dport)


def permitted(outcome: str) -> str:
    """The outcome of forging; the case is unsupported where probes may not forge."""
    if outcome == NOT_PERMITTED:
        pytest.skip("probe pods have no CAP_NET_RAW here")
    return outcome


def fresh_port() -> int:
    """A port of which connection tracking remembers nothing, most probably."""
    return FIRST_PORT + secrets.randbelow(NUMBER_OF_PORTS)


def closed_but_one_port(server: ProbePod, *peers: Object) -> Object:
    """A policy that isolates a server for ingress, opens one port, and admits peers to all."""
    spec = allow_ingress_from(server, *peers)
    ports = [{"protocol": protocol, "port": OPEN} for protocol in ("TCP", "UDP")]
    return policy("forged", {**spec, "ingress": [*spec.get("ingress", ()), {"ports": ports}]})


def isolating(attack: Attack, isolated: str) -> Object:
    """A policy that denies the flow of an attack: on the server's side, or on the client's."""
    if isolated == "server":
        return policy("forged", allow_ingress_from(attack.server))
    others = {
        "podSelector": {"matchExpressions": [{"key": "app", "operator": "NotIn", "values": [attack.server.name]}]}
    }
    spec = {**pod_selector({"app": attack.client.name}), "policyTypes": ["Egress"], "egress": [{"to": [others]}]}
    return serialization.of(attack.client.namespace, "forged", spec)


@requirement("N17")
@NEEDS
@disturbs
@pytest.mark.parametrize("isolated", ["server", "client"])
@pytest.mark.parametrize("place", PLACES)
def test_a_forged_packet_makes_no_connection_a_reply(
    testbed: Testbed, expect: Expect, family: Family, place: str, isolated: str
) -> None:
    """A connection stays denied after its client sent a packet that looks like one of the server to it."""
    attack = Attack.of(testbed, place, family)
    kinds = [("tcp", name, flags) for name, flags in SEGMENTS.items()] + [("udp", "datagram", 0)]
    closed = [attack.denied("tcp"), attack.denied("udp")]
    with enforced(testbed, isolating(attack, isolated)):
        expect.flows(closed, timeout=LOST, patience=PATIENCE)
        through = []
        with expect.answering(closed):
            for protocol, name, flags in kinds:
                port = fresh_port()
                outcome = attack.then_connect(attack.from_server(protocol, port, flags), port)
                through += [f"{protocol} after a forged {name}"] if outcome == CONNECTED else []
            expect.nothing(through, f"denied connections of {attack.client.key} to {attack.server.key} got through")


@requirement("N18")
@NEEDS
@disturbs
@pytest.mark.parametrize("place", PLACES)
def test_answers_to_nothing_open_nothing(testbed: Testbed, expect: Expect, family: Family, place: str) -> None:
    """Answers without a request, from ports of servers too, do not arrive by UDP, and open no TCP connection."""
    attack = Attack.of(testbed, place, family)
    ports = [fresh_port(), *KNOWN_PORTS]
    datagrams = [attack.to_server("udp", port) for port in ports]
    segments = {name: attack.to_server("tcp", fresh_port(), flags) for name, flags in STRAY.items()}
    closed = [attack.denied("tcp"), attack.denied("udp")]
    with enforced(testbed, closed_but_one_port(attack.server)):
        expect.flows(closed, timeout=LOST, patience=PATIENCE)
        with expect.answering(closed):
            arrived = attack.arriving([*datagrams, *segments.values()], expect)
            expect.facts["TCP segments that arrive"] = sorted(
                name for name, each in segments.items() if each in arrived
            )
            wrong = [f"udp from port {each.source_port} arrived" for each in datagrams if each in arrived]
            for name, segment in segments.items():
                outcome = attack.then_connect(segment, segment.source_port)
                wrong += [f"tcp got through after a {name}"] if outcome == CONNECTED else []
            expect.nothing(wrong, f"answers of {attack.client.key} to nothing that {attack.server.key} has sent")


def sources_of(attack: Attack, cluster_ip: str) -> dict[str, tuple[str, Object]]:
    """Addresses that do not belong to the client, each with a peer of a policy that matches it, by whose they are."""
    testbed, family, near = attack.testbed, attack.family, attack.client.node
    pods, hosts = {}, {"the node": testbed.hosts[near].ip(family)}
    for node in testbed.nodes:
        others = [pod for pod in testbed.pods_on(node) if pod not in (attack.client, attack.server)]
        pods["a pod of the node" if node == near else "a pod of another node"] = others[-1]
        if node != near:
            hosts["another node"] = testbed.hosts[node].ip(family)
    hosts |= {"a Service": cluster_ip, "the outside": UNUSED[family.version]}
    return {
        **{whose: (pod.ip(family), only(pod)) for whose, pod in pods.items()},
        **{whose: (ip, {"ipBlock": {"cidr": f"{ip}/{family.bits}"}}) for whose, ip in hosts.items()},
    }


def only(pod: ProbePod) -> Object:
    """A peer that matches one pod."""
    return {"namespaceSelector": {"matchLabels": {NAMESPACE_LABEL: pod.namespace}}, **pod_selector({"app": pod.name})}


@requirement("N19")
@NEEDS
@disturbs
@pytest.mark.parametrize("place", PLACES)
def test_a_pod_gets_nowhere_with_the_address_of_another(
    testbed: Testbed, expect: Expect, family: Family, place: str
) -> None:
    """Packets with a source address that policies admit, and that is not their sender's, do not arrive."""
    attack = Attack.of(testbed, place, family)
    with services.temporary(testbed, unique_name("forged"), {"app": attack.client.name}, type="ClusterIP") as service:
        sources = sources_of(attack, of_family(service["spec"]["clusterIPs"], family))
        packets = {
            f"{protocol} from {whose} ({ip})": attack.to_server(protocol, fresh_port(), flags, ip, fresh_port())
            for whose, (ip, _) in sources.items()
            for protocol, flags in (("udp", 0), ("tcp", SYN))
        }
        closed = [attack.denied("tcp"), attack.denied("udp")]
        with enforced(testbed, closed_but_one_port(attack.server, *(peer for _, peer in sources.values()))):
            expect.flows(closed, timeout=LOST, patience=PATIENCE)
            with expect.answering(closed):
                found = attack.arriving([*packets.values()], expect)
                arrived = [what for what, packet in packets.items() if packet in found]
                expect.facts |= {"sent": [*packets], "arrived": arrived}
                expect.nothing(arrived, f"packets of {attack.client.key} with the address of another arrived")


@requirement("N20")
@NEEDS
@disturbs
def test_a_tag_hides_no_packet(testbed: Testbed, expect: Expect, family: Family) -> None:
    """A denied packet does not arrive in a frame with a VLAN tag of priority alone, which hosts take as untagged."""
    attack = Attack.of(testbed, PLACES[0], family)
    protocols = {"udp": 0, "tcp": SYN}
    packets = [attack.to_server(protocol, fresh_port(), flags) for protocol, flags in protocols.items()]
    tagged = [ForgedPacket(**{**vars(packet), "tag": True}) for packet in packets]
    closed = [attack.denied("tcp"), attack.denied("udp")]
    with enforced(testbed, closed_but_one_port(attack.server)):
        expect.flows(closed, timeout=LOST, patience=PATIENCE)
        with expect.answering(closed):
            arrived = [f"{each.protocol} in a tagged frame" for each in attack.arriving(tagged, expect)]
            expect.nothing(arrived, f"denied packets of {attack.client.key} to {attack.server.key} arrived")
