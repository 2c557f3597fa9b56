"""The source port of a pod is its own at the server: N12."""

from __future__ import annotations

import itertools
import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fixtures.cnis.node_state import Finding
from fixtures.probes.flows import to_pod
from fixtures.probes.pods import PORTS
from policies.flow import CONNECTED
from suites.support.captures import Captures
from suites.support.marks import requirement

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fixtures.probes.pods import ProbePod
    from fixtures.probes.results import CapturedPackets
    from fixtures.testbed.testbed import Testbed
    from policies.flow import Flow
    from suites.support.expect import Expect

FIRST, COUNT = 20000, 10000  # below the ports that kernels choose; a new one each time, as conntrack remembers flows


def arrived(packets: list[CapturedPackets], flow: Flow, client: str) -> list[CapturedPackets]:
    """The packets of a flow from a client's address that came in."""
    return [
        packet
        for packet in packets
        if packet.direction == "in"
        and packet.outer.protocol == "udp"
        and packet.outer.pair == (client, flow.target.host)
        and packet.outer.dport == flow.target.port
    ]


@dataclass(frozen=True)
class Sent:
    """A datagram from a chosen port of a pod to a pod of another node."""

    client: ProbePod
    server: ProbePod
    flow: Flow
    port: int
    outcome: str

    @staticmethod
    def to(server: ProbePod, client: ProbePod, family: str, testbed: Testbed) -> Sent:
        """Send one."""
        flow = to_pod(client.key, server, "udp", PORTS[0], family)
        port = FIRST + secrets.randbelow(COUNT)
        return Sent(client, server, flow, port, testbed.probers[client.key].crafted(flow.target, source_port=port))

    def findings(self, packets: list[CapturedPackets]) -> Iterator[Finding]:
        """What is wrong with it, by its outcome and the packets that arrived at the server from the client."""
        what = f"a datagram from port {self.port} to {self.server.key}"
        if self.outcome != CONNECTED:
            yield Finding(self.client.key, what, CONNECTED, self.outcome)
        if all(packet.outer.sport != self.port for packet in packets):
            found = ", ".join(map(str, packets)) or "no packet of this client"
            yield Finding(self.client.key, what, f"source port {self.port}", found)


@requirement("N12")
def test_a_datagram_keeps_its_source_port_between_nodes(testbed: Testbed, expect: Expect, family: str) -> None:
    """A datagram from a chosen port of a pod arrives at a pod of another node with that source port."""
    first = {node: testbed.pods_on(node)[0] for node in testbed.nodes}

    def send_all(client: ProbePod) -> list[Sent]:
        return [Sent.to(server, client, family, testbed) for server in first.values() if server != client]

    pairs = itertools.permutations(first.values(), 2)
    with expect.answering([to_pod(client.key, server, "udp", PORTS[0], family) for client, server in pairs]):
        with Captures(testbed, f"N12-{family}", "eth0", first) as captures, ThreadPoolExecutor(len(first)) as pool:
            sent = list(itertools.chain.from_iterable(pool.map(send_all, first.values())))
        findings: list[Finding] = []
        for each in sent:
            seen = [packet for node, packet in captures.packets if node == each.server.node]
            findings += each.findings(arrived(seen, each.flow, each.client.ip(family)))
        kept = [each for each in sent if any(packet.outer.sport == each.port for _, packet in captures.packets)]
        expect.facts["datagrams with their source port"] = len(kept)
        expect.nothing(findings, "datagrams arrived without their source port, or not at all")
