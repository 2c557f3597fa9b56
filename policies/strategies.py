"""Hypothesis strategies for worlds and policies, biased towards known bugs of implementations."""

from __future__ import annotations

from functools import cache
from ipaddress import ip_address
from typing import TYPE_CHECKING, TypeVar

from hypothesis import strategies as st

from policies.families import family_of
from policies.model import (
    EGRESS,
    EVERYTHING,
    INGRESS,
    PROTOCOLS,
    ContainerPort,
    Expression,
    Host,
    IpBlock,
    Namespace,
    Pod,
    PodPeer,
    Policy,
    PortRule,
    Rule,
    Selector,
    World,
    labels,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from policies.model import Labels, Peer

T = TypeVar("T")

# Few keys and values, so that selectors match some pods only; odd values that implementations mishandled
# (ncp-numeric-label, calico-empty-label-value, npm-name-hash-collision: a key that is also a port's name).
KEYS = ("pod", "ns", "role", "web")
VALUES = ("a", "b", "", "00000", "true")
PORT_NAMES = ("web", "alt")
PORTS = (80, 81, 82)


@st.composite
def weighted(draw: st.DrawFn, *choices: tuple[int, st.SearchStrategy[T]]) -> T:
    """Draw from one of several strategies, chosen by weight; one_of drops duplicates."""
    numbers = [number for number, (weight, _) in enumerate(choices) for _ in range(weight)]
    number = draw(st.sampled_from(numbers))
    return draw(choices[number][1])


@cache  # a strategy costs more to make than to draw from
def some_labels() -> st.SearchStrategy[Labels]:
    """Labels of a pod or namespace: none to three."""
    return st.dictionaries(st.sampled_from(KEYS), st.sampled_from(VALUES), max_size=3).map(labels)


@cache
def expressions() -> st.SearchStrategy[Expression]:
    """One requirement of a selector."""
    key = st.sampled_from(KEYS)
    with_values = st.builds(
        Expression,
        key,
        st.sampled_from(("In", "NotIn")),
        st.lists(st.sampled_from(VALUES), min_size=1, max_size=2, unique=True).map(tuple),
    )
    return with_values | st.builds(Expression, key, st.sampled_from(("Exists", "DoesNotExist")))


@cache
def selectors() -> st.SearchStrategy[Selector]:
    """A selector: empty, labels, expressions, or both."""
    return st.just(EVERYTHING) | st.builds(
        Selector,
        st.dictionaries(st.sampled_from(KEYS), st.sampled_from(VALUES), max_size=2).map(labels),
        st.lists(expressions(), max_size=2).map(tuple),
    )


@cache
def pod_peers() -> st.SearchStrategy[PodPeer]:
    """A peer by selectors: at least one of the two."""
    return st.one_of(
        st.builds(PodPeer, st.none(), selectors()),
        st.builds(PodPeer, selectors(), st.none()),
        st.builds(PodPeer, selectors(), selectors()),
    )


@st.composite
def blocks(draw: st.DrawFn, addresses: Sequence[str]) -> IpBlock:
    """An ipBlock around one of the addresses, with exceptions around others of them in it."""
    address = draw(st.sampled_from(addresses))
    family = family_of(address)
    bits = family.bits
    length = draw(st.sampled_from((0, 32, 64, 128) if bits == 128 else (0, 8, 16, 24, 32)))  # noqa: PLR2004 - IPv6
    inside = [
        other for other in addresses if family_of(other) is family_of(address) and _shared(address, other) >= length
    ]
    exceptions = draw(st.lists(st.sampled_from(inside), max_size=2, unique=True)) if length < bits else []
    longer = [draw(st.sampled_from((bits, bits - 1))) for _ in exceptions]
    return IpBlock(
        f"{address}/{length}", tuple(f"{a}/{max(n, length + 1)}" for a, n in zip(exceptions, longer, strict=True))
    )


@st.composite
def block_pairs(draw: st.DrawFn, addresses: Sequence[str]) -> tuple[IpBlock, ...]:
    """Two ipBlocks with complementary exceptions: an except of one block does not affect the other."""
    address = draw(st.sampled_from(addresses))
    same = [other for other in addresses if family_of(other) is family_of(address)]
    ends = (
        draw(st.lists(st.sampled_from(same), min_size=2, max_size=2, unique=True)) if len(set(same)) > 1 else same[:1]
    )
    bits = family_of(address).bits
    return tuple(IpBlock(f"{address}/0", (f"{end}/{bits}",)) for end in ends)


def _shared(one: str, other: str) -> int:
    """How many leading bits two addresses share."""
    a, b = ip_address(one), ip_address(other)
    return a.max_prefixlen - (int(a) ^ int(b)).bit_length()


@st.composite
def port_rules(draw: st.DrawFn) -> PortRule:
    """Ports: all of a protocol, a number, a range, or a name."""
    protocol = draw(st.sampled_from(PROTOCOLS))
    port = draw(st.none() | st.sampled_from(PORTS) | st.sampled_from(PORT_NAMES))
    end = draw(st.none() | st.integers(port, max(PORTS))) if isinstance(port, int) else None
    return PortRule(protocol, port, end)


@cache
def rules(addresses: tuple[str, ...]) -> st.SearchStrategy[Rule]:
    """A rule with up to two peers and two ports."""
    peer = st.one_of(pod_peers(), blocks(addresses)) if addresses else pod_peers()
    some: st.SearchStrategy[tuple[Peer, ...]] = st.lists(peer, max_size=2).map(tuple)
    if addresses:
        some = weighted((4, some), (1, block_pairs(addresses)))
    return st.builds(Rule, some, st.lists(port_rules(), max_size=2).map(tuple))


@st.composite
def policies(draw: st.DrawFn, namespaces: Sequence[str], addresses: Sequence[str]) -> Policy:
    """A policy; its types need not agree with its rules (kr-policytypes-inferred)."""
    types = draw(st.sampled_from(((INGRESS,), (EGRESS,), (INGRESS, EGRESS))))
    some_rules = st.lists(rules(tuple(addresses)), max_size=2).map(tuple)
    return Policy(
        namespace=draw(st.sampled_from(namespaces)),
        name=draw(st.sampled_from(("p", "q", "r", "s"))),  # the same name in two namespaces: pol-key-name-only
        subject=draw(selectors()),
        types=frozenset(types),
        ingress=draw(some_rules),
        egress=draw(some_rules),
    )


def policy_sets(
    namespaces: Sequence[str], addresses: Sequence[str], most: int = 4
) -> st.SearchStrategy[tuple[Policy, ...]]:
    """Policies with distinct keys."""
    one = policies(namespaces, addresses)
    return st.lists(one, max_size=most, unique_by=lambda policy: policy.key).map(tuple)


@cache
def declared_ports() -> st.SearchStrategy[tuple[ContainerPort, ...]]:
    """Ports of a pod; a name may stand for different numbers on different pods and protocols (clause 35)."""
    names = st.sampled_from(("", *PORT_NAMES))
    port = st.builds(ContainerPort, st.sampled_from(PORTS), names, st.sampled_from(PROTOCOLS))
    return st.lists(port, max_size=2, unique_by=lambda port: (port.name or port.number, port.protocol)).map(tuple)


@st.composite
def worlds(draw: st.DrawFn, most_policies: int = 4) -> World:
    """Two or three namespaces, a few pods on two nodes, the nodes, and an external host; both families."""
    names = draw(st.sampled_from((("x", "y"), ("x", "y", "z"))))
    namespaces = [Namespace(name, draw(some_labels())) for name in names]
    nodes = ("node1", "node2")
    pods = [
        Pod(
            namespace=draw(st.sampled_from(namespaces)).name,
            name=f"p{number}",
            labels=draw(some_labels()),
            node=node,
            ips=(f"192.0.2.{nodes.index(node) + 1}", f"2001:db8::{nodes.index(node) + 1}")
            if host_network
            else (f"10.244.{number % 2}.{number + 2}", f"fd00::{number % 2}:{number + 2}"),
            ports=draw(declared_ports()),
            host_network=host_network,
            phase=draw(st.sampled_from(("Running", "Running", "Running", "Succeeded"))),
        )
        for number in range(draw(st.integers(2, 5)))
        for host_network in [draw(st.sampled_from((False, False, False, True)))]
        for node in [draw(st.sampled_from(nodes))]
    ]
    hosts = (
        *(Host(node, (f"192.0.2.{n}", f"2001:db8::{n}", f"10.244.{n}.0"), node) for n, node in enumerate(nodes, 1)),
        Host("outside", ("203.0.113.10", "2001:db8:ff::10")),
    )
    addresses = [ip for ips in (*(pod.ips for pod in pods), *(host.ips for host in hosts)) for ip in ips]
    return World(tuple(namespaces), tuple(pods), draw(policy_sets(names, addresses, most_policies)), hosts)
