"""The source port of a pod is its own at the server: N12."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from fixtures.cnis.node_state import Finding
from fixtures.probes.flows import to_pod
from fixtures.probes.pods import PORTS
from policies.flow import CONNECTED
from reports.outcome import Inconclusive
from suites.support.marks import requirement

if TYPE_CHECKING:
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


@requirement("N12")
def test_a_datagram_keeps_its_source_port_between_nodes(testbed: Testbed, expect: Expect, family: str) -> None:
    """A datagram from a chosen port of a pod arrives at a pod of another node with that source port."""
    first = [testbed.pods_on(node)[0] for node in testbed.nodes]
    pairs = [(a, b, to_pod(a.key, b, "udp", PORTS[0], family)) for a in first for b in first if a.node != b.node]
    findings, seen = [], 0
    with expect.answering([flow for _, _, flow in pairs]):
        for client, pod, flow in pairs:
            port = FIRST + secrets.randbelow(COUNT)
            server = testbed.probers[pod.key]
            name = f"N12-{family}-{port}"
            server.start_capture(name, "eth0")
            try:
                outcome = testbed.probers[client.key].crafted(flow.target, source_port=port)
            finally:
                captured = server.stop_capture(name)
            if captured.lost:
                raise Inconclusive(f"the capture of {pod.key} lost {captured.lost} packets")
            packets = arrived(captured.packets, flow, client.ip(family))
            kept = any(packet.outer.sport == port for packet in packets)
            seen += kept
            what = f"a datagram from port {port} to {pod.key}"
            if outcome != CONNECTED:
                findings.append(Finding(client.key, what, CONNECTED, outcome))
            if not kept:
                found = ", ".join(map(str, packets)) or "no packet of this client"
                findings.append(Finding(client.key, what, f"source port {port}", found))
        expect.facts["datagrams with their source port"] = seen
        expect.nothing(findings, "datagrams arrived without their source port, or not at all")
