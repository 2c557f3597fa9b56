"""Hypothesis strategies for worlds and policies, biased towards known bugs of implementations.

Lists have one or two entries, and sometimes up to 33; numbers are edges of their range, neighbours of the ports that
are probed, or anything; texts are those of a vocabulary.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, TypeVar

from hypothesis import strategies as st

from policies import base_world
from policies.families import family_of, shared_bits
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
from policies.stretching import LENGTHS, stretched
from policies.vocabularies import NAMESPACES, PLAIN, POD_NAMES, POLICY_NAMES, VOCABULARIES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from policies.model import Labels, Peer
    from policies.vocabularies import Vocabulary

T = TypeVar("T")

LAST_PORT = 65535
PORTS = tuple(sorted({port for _, port in base_world.ALL_FLOWS}))
# Ports in policies: those that are probed, and their neighbours.
NEAR = tuple(sorted({near for port in PORTS for near in (port - 1, port, port + 1) if 1 <= near <= LAST_PORT}))
RARELY = 5  # one policy in five has a long list


@st.composite
def weighted(draw: st.DrawFn, *choices: tuple[int, st.SearchStrategy[T]]) -> T:
    """Draw from one of several strategies, chosen by weight; one_of drops duplicates."""
    numbers = [number for number, (weight, _) in enumerate(choices) for _ in range(weight)]
    number = draw(st.sampled_from(numbers))
    return draw(choices[number][1])


@cache
def vocabularies() -> st.SearchStrategy[Vocabulary]:
    """A vocabulary; the plain one is the most frequent."""
    return st.sampled_from((PLAIN, PLAIN, *VOCABULARIES.values()))


@cache  # a strategy costs more to make than to draw from
def some_labels(texts: Vocabulary = PLAIN) -> st.SearchStrategy[Labels]:
    """Labels of a pod or namespace: none to three."""
    return st.dictionaries(st.sampled_from(texts.keys), st.sampled_from(texts.values), max_size=3).map(labels)


@cache
def expressions(texts: Vocabulary = PLAIN) -> st.SearchStrategy[Expression]:
    """One requirement of a selector."""
    key = st.sampled_from(texts.keys)
    with_values = st.builds(
        Expression,
        key,
        st.sampled_from(("In", "NotIn")),
        st.lists(st.sampled_from(texts.values), min_size=1, max_size=2, unique=True).map(tuple),
    )
    return with_values | st.builds(Expression, key, st.sampled_from(("Exists", "DoesNotExist")))


@cache
def selectors(texts: Vocabulary = PLAIN) -> st.SearchStrategy[Selector]:
    """A selector: empty, labels, expressions, two expressions of one key, or both."""
    pairs = st.tuples(expressions(texts), expressions(texts)).map(
        lambda two: (two[0], replace(two[1], key=two[0].key))
    )
    some = st.lists(expressions(texts), max_size=2).map(tuple)
    return weighted(
        (2, st.just(EVERYTHING)),
        (
            3,
            st.builds(
                Selector,
                st.dictionaries(st.sampled_from(texts.keys), st.sampled_from(texts.values), max_size=2).map(labels),
                some,
            ),
        ),
        (2, st.builds(Selector, st.just(()), expressions(texts).map(lambda one: (one,)))),
        (1, st.builds(Selector, st.just(()), pairs)),
    )


@cache
def pod_peers(texts: Vocabulary = PLAIN) -> st.SearchStrategy[PodPeer]:
    """A peer by selectors: at least one of the two."""
    return st.one_of(
        st.builds(PodPeer, st.none(), selectors(texts)),
        st.builds(PodPeer, selectors(texts), st.none()),
        st.builds(PodPeer, selectors(texts), selectors(texts)),
    )


@st.composite
def blocks(draw: st.DrawFn, addresses: Sequence[str]) -> IpBlock:
    """An ipBlock of any length around one of the addresses, with exceptions in it, also in one another.

    Half of the lengths are edges: with one bit more, another of the addresses is outside.
    """
    address = draw(st.sampled_from(addresses))
    family = family_of(address)
    bits = family.bits
    edges = sorted(
        {
            min(shared_bits(address, end) + more, bits)
            for end in addresses
            if family_of(end) is family
            for more in (0, 1)
        }
    )
    length: int = draw(st.sampled_from((0, bits, *edges, *edges)) | st.integers(0, bits))
    if length == bits:
        return IpBlock(f"{address}/{length}")
    inside = [
        other
        for other in addresses
        if family_of(other) is family_of(address) and shared_bits(address, other) >= length
    ]
    exceptions = draw(st.lists(st.sampled_from(inside), max_size=3))
    exceptions += exceptions[: draw(st.integers(0, 1))]  # with another length: one in the other
    ends = sorted({bits, length + 1, *(edge for edge in edges if edge > length)})
    longer = [draw(st.sampled_from(ends) | st.integers(length + 1, bits)) for _ in exceptions]
    return IpBlock(
        f"{address}/{length}",
        tuple(dict.fromkeys(f"{a}/{max(n, length + 1)}" for a, n in zip(exceptions, longer, strict=True))),
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


@st.composite
def port_rules(draw: st.DrawFn, texts: Vocabulary = PLAIN) -> PortRule:
    """Ports: all of a protocol, a number, a range of any width, or a name."""
    protocol = draw(st.sampled_from(PROTOCOLS))
    port = draw(
        weighted(
            (2, st.none()),
            (5, st.sampled_from(PORTS)),
            (2, st.sampled_from(NEAR)),
            (1, st.integers(1, LAST_PORT)),
            (3, st.sampled_from(texts.port_names)),
        )
    )
    if not isinstance(port, int):
        return PortRule(protocol, port)
    above = [near for near in NEAR if near >= port] or [port]
    return PortRule(protocol, port, draw(st.none() | st.sampled_from(above) | st.integers(port, LAST_PORT)))


@cache
def rules(addresses: tuple[str, ...], texts: Vocabulary = PLAIN) -> st.SearchStrategy[Rule]:
    """A rule with up to two peers and two ports."""
    peer = st.one_of(pod_peers(texts), blocks(addresses)) if addresses else pod_peers(texts)
    some: st.SearchStrategy[tuple[Peer, ...]] = st.lists(peer, max_size=2).map(tuple)
    if addresses:
        some = weighted((4, some), (1, block_pairs(addresses)))
    return st.builds(Rule, some, st.lists(port_rules(texts), max_size=2).map(tuple))


@st.composite
def rule_lists(draw: st.DrawFn, addresses: tuple[str, ...], texts: Vocabulary = PLAIN) -> tuple[Rule, ...]:
    """Up to two rules, or two with the same peers and other ports."""
    some = draw(st.lists(rules(addresses, texts), max_size=2).map(tuple))
    if len(some) == 1 and draw(st.booleans()):
        return (*some, replace(some[0], ports=(draw(port_rules(texts)),)))
    return some


@st.composite
def policies(
    draw: st.DrawFn, namespaces: Sequence[str], addresses: Sequence[str], texts: Vocabulary = PLAIN
) -> Policy:
    """A policy; its types need not agree with its rules (kr-policytypes-inferred)."""
    types = draw(st.sampled_from(((INGRESS,), (EGRESS,), (INGRESS, EGRESS))))
    some_rules = rule_lists(tuple(addresses), texts)
    policy = Policy(
        namespace=draw(st.sampled_from(namespaces)),
        name=draw(weighted((2, st.sampled_from(POLICY_NAMES[:4])), (1, st.sampled_from(POLICY_NAMES)))),
        subject=draw(selectors(texts)),
        types=frozenset(types),
        ingress=draw(some_rules),
        egress=draw(some_rules),
    )
    if draw(st.integers(1, RARELY)) < RARELY:
        return policy
    return stretched(policy, draw(st.sampled_from(LENGTHS)), draw(st.integers(0, 2**16)))


def policy_sets(
    namespaces: Sequence[str], addresses: Sequence[str], most: int = 4, texts: Vocabulary = PLAIN
) -> st.SearchStrategy[tuple[Policy, ...]]:
    """Policies with distinct keys."""
    one = policies(namespaces, addresses, texts)
    return st.lists(one, max_size=most, unique_by=lambda policy: policy.key).map(tuple)


@cache
def declared_ports(texts: Vocabulary = PLAIN) -> st.SearchStrategy[tuple[ContainerPort, ...]]:
    """Ports of a pod; a name may stand for different numbers on different pods and protocols (clause 35)."""
    names = st.sampled_from(("", *texts.port_names))
    port = st.builds(ContainerPort, st.sampled_from(PORTS), names, st.sampled_from(PROTOCOLS))
    return st.lists(port, max_size=2, unique_by=lambda port: (port.name or port.number, port.protocol)).map(tuple)


@st.composite
def worlds(draw: st.DrawFn, most_policies: int = 4) -> World:
    """Two or three namespaces, a few pods on two nodes, the nodes, and an external host; both families."""
    texts = draw(vocabularies())
    names, pod_names = draw(st.sampled_from(NAMESPACES)), draw(st.sampled_from(POD_NAMES))
    namespaces = [Namespace(name, draw(some_labels(texts))) for name in names]
    nodes = ("node1", "node2")
    pods = [
        Pod(
            namespace=draw(st.sampled_from(namespaces)).name,
            name=pod_names[number],
            labels=draw(some_labels(texts)),
            node=node,
            ips=(f"192.0.2.{nodes.index(node) + 1}", f"2001:db8::{nodes.index(node) + 1}")
            if host_network
            else (f"10.244.{number % 2}.{number + 2}", f"fd00::{number % 2}:{number + 2}"),
            ports=draw(declared_ports(texts)),
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
    return World(tuple(namespaces), tuple(pods), draw(policy_sets(names, addresses, most_policies, texts)), hosts)
