"""The base world: the namespaces, pods and hosts of every policy case, in a cluster and in the model.

Named ports differ from pod to pod, one pod has no labels and no named port, one declares a name in a second container
and on two protocols, and every pod has others on its node and on other nodes: without these, whole groups of bugs stay
invisible (tests/sensitivity/mutants.yaml lists those of the tier "fixture").
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from policies.model import PROTOCOLS, ContainerPort, Host, Namespace, Pod, World

if TYPE_CHECKING:
    from collections.abc import Sequence

    from policies.model import Protocol

PORTS = (80, 81, 82)
# The flows to every pod; one is for DNS, since engines exempt it (knp-dns-nfqueue-race).
FLOWS: tuple[tuple[Protocol, int], ...] = (*itertools.product(PROTOCOLS, PORTS), ("udp", 53))
# Flows to ports at edges: of their range, of privileged ports, of signed numbers.  Generated states have them, between
# pods only.
FAR_FLOWS: tuple[tuple[Protocol, int], ...] = (
    *(("tcp", port) for port in (1, 1023, 32767, 65535)),
    *(("udp", port) for port in (1, 65535)),
)  # fmt: skip
FAR_PORTS = (*sorted({port for _, port in FAR_FLOWS}),)
ALL_FLOWS = (*FLOWS, *FAR_FLOWS)
LISTENS = (*PORTS, 53, *FAR_PORTS)
OUTSIDE = "outside"  # an external host
LOCAL_NODE = "local-node"  # the node of the first pod
REMOTE_NODE = "remote-node"  # the node of the pods of place 1

NAMESPACES = (
    Namespace("x", (("ns", "x"),)),
    Namespace("y", (("ns", "y"),)),
    Namespace("z"),
)
NODES = ("node0", "node1", "node2")  # of the places of pods
MORE = tuple(ContainerPort(9000 + number, f"more-{number}") for number in range(32))  # before a port that is probed
# (namespace, name, labels, place, declared ports); pods of one place share a node
PODS = (
    ("x", "a", (("pod", "a"),), 0, (ContainerPort(80, "web"), ContainerPort(81, "alt", "udp"))),
    ("x", "b", (("pod", "b"),), 0, (ContainerPort(81, "web"), ContainerPort(82, "alt"))),
    ("x", "c", (("pod", "c"),), 1, (ContainerPort(82, "web", "udp"), ContainerPort(80, "alt"))),
    ("y", "a", (("pod", "a"),), 0, (*MORE, ContainerPort(82, "web"))),
    ("y", "b", (("pod", "b"),), 1, (ContainerPort(80, "web"), ContainerPort(80, "web", "udp"))),
    ("z", "a", (), 2, ()),
)
KEYS = (*(f"{namespace}/{name}" for namespace, name, *_ in PODS),)
MODEL_IPS = {
    **{key: (f"10.244.{place}.{number}", f"fd00:10:244:{place}::{number}")
       for number, (key, (*_, place, _ports)) in enumerate(zip(KEYS, PODS, strict=True), 10)},
    LOCAL_NODE: ("192.0.2.11", "2001:db8:0:1::b"),
    REMOTE_NODE: ("192.0.2.12", "2001:db8:0:1::c"),
    OUTSIDE: ("203.0.113.10", "2001:db8:0:ff::a"),
}  # fmt: skip


def flows(protocols: Sequence[str]) -> list[tuple[Protocol, int]]:
    """The flows to every pod, of these protocols only."""
    return [flow for flow in FLOWS if flow[0] in protocols]


def build() -> World:
    """The base world without policies; layouts.py moves it to the nodes and addresses of a cluster."""
    pods = tuple(
        Pod(namespace, name, labels, NODES[place], MODEL_IPS[f"{namespace}/{name}"], ports)
        for namespace, name, labels, place, ports in PODS
    )
    hosts = (
        Host(LOCAL_NODE, MODEL_IPS[LOCAL_NODE], NODES[0]),
        Host(REMOTE_NODE, MODEL_IPS[REMOTE_NODE], NODES[1]),
        Host(OUTSIDE, MODEL_IPS[OUTSIDE]),
    )
    return World(NAMESPACES, pods, (), hosts)
