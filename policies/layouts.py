"""Layouts: the base world on other nodes, with other declared ports and names, and with pods beside those probed.

A number determines a layout, so that a file or a message can name it; 0 is the base world itself.  The keys of the
pods that are probed are the same in all layouts, and so are their labels.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from random import Random
from typing import TYPE_CHECKING

from policies import base_world
from policies.model import ContainerPort, Pod, World
from policies.validation import LONGEST_LABEL
from policies.vocabularies import DOMAIN

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from policies.model import Endpoint, Labels, Protocol

LAYOUTS = 999  # the largest number that is drawn
FINISHED, ON_HOST = "x/done", "y/host"  # beside the pods that are probed
BESIDE = (FINISHED, ON_HOST)
LABELS: dict[str, Labels] = {
    **{f"{namespace}/{name}": labels for namespace, name, labels, *_ in base_world.PODS},
    FINISHED: (("pod", "a"),),
    ON_HOST: (("pod", "b"),),
}
PORT_NAMES = ("web", "alt", "pod", "x", "")
PORT_COUNTS = (0, 1, 2, 3, 5, 9, 17)
LONGEST_POD_NAME = 154  # the API accepts 253, but a node has a folder NAMESPACE_NAME_UID, of 255 characters at most
HALF = 0.5
STYLES = ("plain", "joined", "dotted", "long")


@cache
def build(number: int) -> World:
    """The base world in a layout, without policies, with the addresses of the model."""
    base = base_world.build()
    if not number:
        return base
    random = Random(number)  # noqa: S311 - choices
    ending = random.choice(base_world.KEYS)
    nodes = base_world.NODES
    places = random.sample(nodes, len(nodes)) + random.choices(nodes, k=len(base.pods) - len(nodes))
    pods = [
        replace(pod, node=place, ports=tuple(_ports(random)), ending=pod.key == ending)
        for pod, place in zip(base.pods, places, strict=True)
    ]
    return replace(base, pods=(*pods, *_beside(random)), layout=number)


def _beside(random: Random) -> Iterator[Pod]:
    """A pod that has finished, whose address another one may have, and one in the network of the remote node."""
    done, host = (key.partition("/") for key in BESIDE)
    owner = random.choice(base_world.KEYS)
    remote = base_world.MODEL_IPS[base_world.REMOTE_NODE]
    yield Pod(done[0], done[2], LABELS[FINISHED], "node0", base_world.MODEL_IPS[owner], phase="Succeeded")
    yield Pod(host[0], host[2], LABELS[ON_HOST], "node1", remote, host_network=True)


def _ports(random: Random) -> Iterator[ContainerPort]:
    """Declared ports: up to four of those that are probed, with a name each for a protocol; others fill the list.

    One has two names.  A container declares neither a name twice nor a port: another one does (objects.py).
    """
    count = random.choice(PORT_COUNTS)
    known: list[tuple[Protocol, int]] = [(protocol, port) for protocol in ("tcp", "udp") for port in base_world.PORTS]
    some = random.sample(known, min(count, random.randint(1, 4)))
    names = {protocol: random.sample(PORT_NAMES, len(PORT_NAMES)) for protocol in ("tcp", "udp")}
    named = (*some, *some[: count - len(some)][:1])
    own = [ContainerPort(port, names[protocol].pop(), protocol) for protocol, port in named]
    more = [ContainerPort(9000 + index, f"more-{index}") for index in range(count - len(own))]
    yield from (own + more if random.random() < HALF else more + own)


def on_nodes(world: World, nodes: Sequence[str]) -> World:
    """A world of the model on the nodes of a cluster; with fewer nodes than the model has, some take two's part."""
    names = {node: nodes[number % len(nodes)] for number, node in enumerate(base_world.NODES)}
    pods = (replace(pod, node=names[pod.node]) for pod in world.pods)
    hosts = (replace(host, node=names.get(host.node, "")) for host in world.hosts)
    return replace(world, pods=tuple(pods), hosts=tuple(hosts))


def with_addresses(world: World, addresses: Mapping[str, Sequence[str]]) -> World:
    """A world with the addresses of a cluster, by the keys of pods and hosts; without, an end keeps its own."""

    def of(end: Endpoint) -> tuple[str, ...]:
        return tuple(addresses.get(end.key, end.ips))

    pods = (replace(pod, ips=of(pod)) for pod in world.pods)
    return replace(world, pods=tuple(pods), hosts=tuple(replace(host, ips=of(host)) for host in world.hosts))


def bare(world: World) -> World:
    """A world without policies, with the labels of its layout and no pod replaced."""
    return build(world.layout)


def in_base(world: World) -> World:
    """A world with its labels and policies in the base world itself."""
    own = {pod.key: pod for pod in base_world.build().pods}
    pods = (
        replace(own[pod.key], labels=pod.labels, generation=pod.generation) for pod in world.pods if pod.key in own
    )
    return replace(world, pods=tuple(pods), layout=0)


@dataclass(frozen=True)
class Names:
    """Names in a cluster of the namespaces and pods of the model.

    With `joined`, two pods have the same text as namespace and name joined by a hyphen; with `dotted`, names differ by
    a dot or a hyphen; with `long`, all names have the longest length that nodes accept and differ at their end.

    Attributes:
        prefix: of all namespaces.
        style: one of STYLES.
    """

    prefix: str
    style: str = "plain"

    @classmethod
    def of(cls, prefix: str, layout: int) -> Names:
        """The names of a layout."""
        return cls(prefix, STYLES[layout % len(STYLES)])

    def namespace(self, name: str) -> str:
        """The namespace in the cluster for one of the model."""
        if self.style == "joined":
            return {"x": self.prefix, "y": f"{self.prefix}-x", "z": f"{self.prefix}-x-a"}[name]
        if self.style == "long":
            return f"{self.prefix}-".ljust(LONGEST_LABEL - len(name), "n") + name
        return f"{self.prefix}-{name}"

    def pod(self, key: str) -> str:
        """The name in the cluster of a pod of the model."""
        namespace, _, name = key.partition("/")
        if self.style == "joined" and namespace == "x":
            return {"a": "x-a", "b": "x-b", "c": "x-a-a"}.get(name, name)
        if self.style == "dotted":
            return {"a": "a.b", "b": "a-b", "c": "a.b-c"}.get(name, name)
        if self.style == "long":
            return DOMAIN[: LONGEST_POD_NAME - len(name)] + name
        return name
