"""Captures on the nodes while a case sends its flows, and the packets in them."""

from __future__ import annotations

from contextlib import ExitStack
from ipaddress import ip_address
from typing import TYPE_CHECKING, Self

from fixtures.clusters.topology import POD_NETWORK, UPLINK
from fixtures.cnis.node_state import Finding
from reports.outcome import Inconclusive

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from fixtures.probes.results import CapturedPackets
    from fixtures.testbed.testbed import Testbed


class Captures:
    """Captures on one interface of every node while a case sends its flows."""

    def __init__(self, testbed: Testbed, name: str, interface: str = UPLINK) -> None:
        self.testbed = testbed
        self.name = name
        self.interface = interface
        self.packets: list[tuple[str, CapturedPackets]] = []
        self.lost = 0
        self._ending = ExitStack()  # ends every capture, also if one does not end

    def __enter__(self) -> Self:
        with ExitStack() as ending:
            for node, host in self.testbed.hosts.items():
                self.testbed.probers[host.key].start_capture(self.name, self.interface)
                ending.callback(self._stop, node, host.key)
            self._ending = ending.pop_all()
        return self

    def _stop(self, node: str, host: str) -> None:
        captured = self.testbed.probers[host].stop_capture(self.name)
        self.lost += captured.lost
        self.packets += [(node, packet) for packet in captured.packets]

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.__exit__(kind, error, trace)  # an error in it keeps that of the block as its context
        if self.lost and kind is None:  # a failure of the case itself says more
            what = f"the captures on {self.interface} lost {self.lost} packets, so an absence proves nothing"
            raise Inconclusive(what)

    def bare_pod_packets(self) -> Iterator[tuple[str, CapturedPackets]]:
        """Packets whose outermost header has a pod's address."""
        for node, packet in self.packets:
            outer = packet.outer
            if outer.protocol != "arp" and (is_pod(outer.src) or is_pod(outer.dst)):
                yield node, packet

    def leaving(self, node: str) -> Iterator[CapturedPackets]:
        """Packets that left a node."""
        return (packet for at, packet in self.packets if at == node and packet.direction == "out")


def is_pod(address: str) -> bool:
    """Whether an address is in the pod network."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in POD_NETWORK.values())


def finding_of(node: str, packet: CapturedPackets, expected: str) -> Finding:
    """A finding about packets that should not be there."""
    return Finding(node, f"packets {packet.direction} on {UPLINK}", expected, str(packet))
