"""The stage: the namespaces, pods and hosts that every case plays on, in the cluster and on paper alike.

Named ports differ from pod to pod, one pod has no labels and no named port, one declares a name in a second container
and on two protocols, and every pod has a neighbour on its node and on others: without these whole groups of bugs stay
invisible (tests/sensitivity/mutants.yaml lists those of the tier "fixture").
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from policies.model import PROTOCOLS, ContainerPort, Host, Namespace, Pod, World

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from policies.model import Protocol

PORTS = (80, 81, 82)
# What is probed of every pod; DNS has a place of its own, since engines exempt it (knp-dns-nfqueue-race).
FLOWS: tuple[tuple[Protocol, int], ...] = (*itertools.product(PROTOCOLS, PORTS), ("udp", 53))
LISTENS = (*PORTS, 53)
OUTSIDE = "outside"  # a machine outside the cluster
HOME = "home"  # the node of the first pod
AWAY = "away"  # the node of the second place

NAMESPACES = (
    Namespace("x", (("ns", "x"),)),
    Namespace("y", (("ns", "y"),)),
    Namespace("z"),
)
# (namespace, name, labels, place: pods of one place share a node, declared ports)
PODS = (
    ("x", "a", (("pod", "a"),), 0, (ContainerPort(80, "web"), ContainerPort(81, "alt", "udp"))),
    ("x", "b", (("pod", "b"),), 0, (ContainerPort(81, "web"), ContainerPort(82, "alt"))),
    ("x", "c", (("pod", "c"),), 1, (ContainerPort(82, "web", "udp"), ContainerPort(80, "alt"))),
    ("y", "a", (("pod", "a"),), 0, (ContainerPort(82, "web"),)),
    ("y", "b", (("pod", "b"),), 1, (ContainerPort(80, "web"), ContainerPort(80, "web", "udp"))),
    ("z", "a", (), 2, ()),
)
KEYS = (*(f"{namespace}/{name}" for namespace, name, *_ in PODS),)
AT_AWAY = tuple(key for key, (*_, place, _ports) in zip(KEYS, PODS, strict=True) if place == 1)
ON_PAPER = {
    **{key: (f"10.244.{place}.{number}", f"fd00:10:244:{place}::{number}")
       for number, (key, (*_, place, _ports)) in enumerate(zip(KEYS, PODS, strict=True), 10)},
    HOME: ("192.0.2.11", "2001:db8:0:1::b"),
    AWAY: ("192.0.2.12", "2001:db8:0:1::c"),
    OUTSIDE: ("203.0.113.10", "2001:db8:0:ff::a"),
}  # fmt: skip


def flows(protocols: Sequence[str]) -> list[tuple[Protocol, int]]:
    """What is probed of every pod where only some protocols are known, of tcp, udp and sctp."""
    return [flow for flow in FLOWS if flow[0] in protocols]


def build(
    addresses: Mapping[str, Sequence[str]] = ON_PAPER, nodes: Sequence[str] = ("node0", "node1", "node2")
) -> World:
    """The stage as a world without policies.

    Args:
        addresses: of every pod by its key, of home, away and outside.
        nodes: which node each place is on; places wrap around where there are fewer nodes.
    """
    pods = tuple(
        Pod(namespace, name, labels, nodes[place % len(nodes)], tuple(addresses[f"{namespace}/{name}"]), ports)
        for namespace, name, labels, place, ports in PODS
    )
    hosts = (
        Host(HOME, tuple(addresses[HOME]), nodes[0]),
        Host(AWAY, tuple(addresses[AWAY]), nodes[1 % len(nodes)]),
        Host(OUTSIDE, tuple(addresses[OUTSIDE])),
    )
    return World(NAMESPACES, pods, (), hosts)
