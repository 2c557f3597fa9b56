"""Flows that the analyzer is known to judge otherwise."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from policies.model import EGRESS, INGRESS, PodPeer

if TYPE_CHECKING:
    from policies.model import World

    Flow = tuple[str, str, str, int]

TYPES = (INGRESS, EGRESS)


def named_twice(world: World, flow: Flow) -> bool:
    """Whether the port of a flow has a name that its pod declares more than once."""
    _, destination, protocol, port = flow
    declared = next(pod.ports for pod in world.pods if pod.key == destination)
    times = Counter(one.name for one in declared)
    return any((one.protocol, one.number) == (protocol, port) and times[one.name] > 1 for one in declared)


def key_elsewhere(world: World, flow: Flow) -> bool:
    """Whether a peer with both selectors that asks for a key may be about a flow between two namespaces."""
    source, destination, *_ = flow
    peers = [peer for policy in world.policies for way in TYPES for rule in policy.rules(way) for peer in rule.peers]
    asks = any(
        isinstance(peer, PodPeer)
        and peer.namespaces is not None
        and peer.pods is not None
        and any(row.operator in {"Exists", "DoesNotExist"} for row in peer.pods.expressions)
        for peer in peers
    )
    return asks and source.partition("/")[0] != destination.partition("/")[0]


KNOWN = {"named_twice": named_twice, "key_elsewhere": key_elsewhere}
