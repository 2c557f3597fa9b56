"""Address families: one type, and which family an address or a network is of."""

from __future__ import annotations

from enum import StrEnum
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class Family(StrEnum):
    """An address family; its value is how options, verdict.json and cni.toml write it."""

    IPV4 = "ipv4"
    IPV6 = "ipv6"

    @property
    def version(self) -> int:
        """4 or 6, as the module ipaddress and `ip -4` write it."""
        return 4 if self is Family.IPV4 else 6

    @property
    def bits(self) -> int:
        """How many bits an address has."""
        return 32 if self is Family.IPV4 else 128

    @property
    def everything(self) -> str:
        """The network of all addresses."""
        return "0.0.0.0/0" if self is Family.IPV4 else "::/0"

    @property
    def loopback(self) -> str:
        """The address of the host itself."""
        return "127.0.0.1" if self is Family.IPV4 else "::1"


def family_of(text: str) -> Family:
    """The family of an address or a network as text."""
    return Family.IPV6 if ":" in text else Family.IPV4


def of_family(texts: Iterable[str], family: str) -> str:
    """The first address or network of a family.

    Raises:
        StopIteration: there is none.
    """
    return next(text for text in texts if family_of(text) == family)


def in_url(address: str) -> str:
    """An address as the host of a URL: IPv6 in brackets."""
    return f"[{address}]" if family_of(address) is Family.IPV6 else address


def moved_into(cidr: str, exception: str) -> str:
    """An exception in a CIDR: the same one if it is in it, otherwise with the leading bits of the CIDR.

    Addresses of pods differ from cluster to cluster, and the API rejects an exception outside of its block.
    """
    network, (address, _, length) = ip_network(cidr, strict=False), exception.partition("/")
    inside = ip_address(address)
    if inside.version != network.version or inside in network:
        return exception
    return f"{type(inside)(int(network.network_address) | int(inside) & int(network.hostmask))}/{length}"


def shared_bits(one: str, other: str) -> int:
    """How many leading bits two addresses of a family share."""
    a, b = ip_address(one), ip_address(other)
    return a.max_prefixlen - (int(a) ^ int(b)).bit_length()
