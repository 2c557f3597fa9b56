"""Captures on the nodes while a case sends its flows, and the packets in them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from ipaddress import ip_address
from typing import TYPE_CHECKING, Self, TypeVar

from fixtures.clusters.topology import POD_NETWORK, UPLINK
from fixtures.cnis.node_state import Finding
from reports.outcome import Inconclusive

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import TracebackType

    from fixtures.probes.pods import ProbePod
    from fixtures.probes.prober import Prober
    from fixtures.probes.results import CapturedPackets
    from fixtures.testbed.testbed import Testbed

T = TypeVar("T")


class Captures:
    """Captures on one interface of several pods while a case sends its flows; they begin and end together.

    Attributes:
        packets: (key in `at`, packet) for each, once they have ended.
    """

    def __init__(
        self, testbed: Testbed, name: str, interface: str = UPLINK, at: Mapping[str, ProbePod] | None = None
    ) -> None:
        """Prepare them.

        Args:
            testbed: the cluster.
            name: a name that no other capture has at the same time.
            interface: the interface of each pod.
            at: the pods; by default the pod in the host network of each node, by node.
        """
        self.probers = {key: testbed.probers[pod.key] for key, pod in (testbed.hosts if at is None else at).items()}
        self.name = name
        self.interface = interface
        self.packets: list[tuple[str, CapturedPackets]] = []
        self.lost = 0

    def __enter__(self) -> Self:
        with ExitStack() as ending:
            ending.callback(self._stop)
            self._each(lambda prober: prober.start_capture(self.name, self.interface))
            ending.pop_all()
        return self

    def _each(self, action: Callable[[Prober], T]) -> list[T]:
        """Do something with every prober at the same time; the first error is raised when all have ended."""
        with ThreadPoolExecutor(len(self.probers)) as pool:
            doing = [pool.submit(action, prober) for prober in self.probers.values()]
        return [each.result() for each in doing]

    def _stop(self) -> None:
        for key, captured in zip(self.probers, self._each(lambda prober: prober.stop_capture(self.name)), strict=True):
            self.lost += captured.lost
            self.packets += [(key, packet) for packet in captured.packets]

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()  # an error in it keeps that of the block as its context
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
