"""Sets of endpoints as integers: bit i is endpoint i.  They are sorted by address, so a CIDR is a range of bits."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

from policies.families import Family, family_of
from policies.model import Host, Pod

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

    from policies.model import Endpoint, IpBlock, Selector, World

PARSED = 4096  # parsed addresses and networks that are cached: states of a history share most of them


@dataclass
class Index:
    """The endpoints of a world that have an address of a family, and sets of them.

    Attributes:
        world: the world.
        family: of the addresses.
        endpoints: sorted by address; endpoint i is bit i of every set.
    """

    world: World
    family: Family = Family.IPV4
    endpoints: tuple[Endpoint, ...] = field(init=False)

    def __post_init__(self) -> None:
        known = [(address, end) for end in self.world.endpoints() if (address := self._address(end)) is not None]
        known.sort(key=lambda row: (row[0], row[1].key))
        self.addresses = [address for address, _ in known]
        self.endpoints = tuple(end for _, end in known)
        self.position = {end.key: bit for bit, end in enumerate(self.endpoints)}
        self.all = (1 << len(known)) - 1
        self.pods = self.host_network = 0
        self.labelled: dict[tuple[str, str], int] = defaultdict(int)
        self.keyed: dict[str, int] = defaultdict(int)
        self.inside: dict[str, int] = defaultdict(int)
        self.named: dict[tuple[str, str, int], int] = defaultdict(int)
        self.on_node: dict[str, int] = defaultdict(int)
        self._selected: dict[Selector, int] = {}
        self._namespaces: dict[Selector, int] = {}
        for bit, end in enumerate(self.endpoints):
            self._add(1 << bit, end)
        hosts = [(1 << bit, end) for bit, end in enumerate(self.endpoints) if isinstance(end, Host)]
        self.node_hosts = [(bit, host) for bit, host in hosts if host.node]
        self.nodes = sum(bit for bit, _ in self.node_hosts)

    def _address(self, end: Endpoint) -> int | None:
        return next((int(_address(ip)) for ip in end.ips if family_of(ip) is self.family), None)

    def _add(self, bit: int, end: Endpoint) -> None:
        if end.node:
            self.on_node[end.node] |= bit
        if not isinstance(end, Pod):
            return
        self.pods |= bit
        self.host_network |= bit if end.host_network else 0
        self.inside[end.namespace] |= bit
        for key, value in end.labels:
            self.labelled[key, value] |= bit
            self.keyed[key] |= bit
        for port in end.ports:
            if port.name:
                self.named[port.name, port.protocol, port.number] |= bit

    def selected(self, selector: Selector) -> int:
        """The pods of all namespaces that a pod selector matches (clauses 17, 18)."""
        found = self._selected.get(selector)
        if found is None:
            found = self.pods
            for key, value in selector.labels:
                found &= self.labelled.get((key, value), 0)
            for row in selector.expressions:
                having = self.keyed.get(row.key, 0)
                if row.operator in {"In", "NotIn"}:
                    having = 0
                    for value in row.values:
                        having |= self.labelled.get((row.key, value), 0)
                found &= having if row.operator in {"In", "Exists"} else ~having
            self._selected[selector] = found
        return found

    def in_namespaces(self, selector: Selector) -> int:
        """The pods of the namespaces that a selector matches; never hosts (clause 21)."""
        found = self._namespaces.get(selector)
        if found is None:
            found = 0
            for name, bits in self.inside.items():
                if selects(selector, self.world.namespace(name).all_labels()):
                    found |= bits
            self._namespaces[selector] = found
        return found

    def block(self, block: IpBlock) -> int:
        """The endpoints whose address is in a block and in none of its exceptions (clauses 24, 26)."""
        found = self._range(block.cidr)
        for exception in block.exceptions:
            found &= ~self._range(exception)
        return found

    def nodes_in(self, block: IpBlock) -> tuple[int, int]:
        """The nodes with all of their addresses in a block, and the nodes with any of them in it."""
        wholly = partly = 0
        for bit, node in self.node_hosts:
            inside = [holds(block, _address(ip)) for ip in node.ips if family_of(ip) is self.family]
            wholly |= bit * all(inside)
            partly |= bit * any(inside)
        return wholly, partly

    def _range(self, cidr: str) -> int:
        network = _network(cidr)
        if network.version != self.family.version:
            return 0
        low = bisect_left(self.addresses, int(network.network_address))
        high = bisect_left(self.addresses, int(network.broadcast_address) + 1)
        return (1 << high) - (1 << low)


def holds(block: IpBlock, address: IPv4Address | IPv6Address) -> bool:
    """Whether an address is in a block and in none of its exceptions."""
    if address not in _network(block.cidr):
        return False
    return not any(address in _network(cidr) for cidr in block.exceptions)


@lru_cache(PARSED)
def _network(cidr: str) -> IPv4Network | IPv6Network:
    return ip_network(cidr, strict=False)


@lru_cache(PARSED)
def _address(text: str) -> IPv4Address | IPv6Address:
    return ip_address(text)


def selects(selector: Selector, labels: dict[str, str]) -> bool:
    """Whether a selector matches labels (clauses 17, 18)."""
    if any(labels.get(key) != value for key, value in selector.labels):
        return False
    for row in selector.expressions:
        value = labels.get(row.key)
        matched = value is not None if row.operator in {"Exists", "DoesNotExist"} else value in row.values
        if matched != (row.operator in {"In", "Exists"}):
            return False
    return True
