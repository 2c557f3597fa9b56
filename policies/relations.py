"""The pods that a policy selects, and the peers and ports that each of its rules admits, as keys and texts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from policies.endpoint_index import selects
from policies.model import EGRESS, INGRESS, IpBlock, port_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.model import Direction, Peer, Policy, PortRule, Rule, World

NOBODY = "nobody"  # the peer of a direction without rules


@dataclass(frozen=True)
class RuleRelation:
    """A rule, or a direction without rules.

    Attributes:
        direction: Ingress or Egress.
        peers: keys of the pods that its selectors match, and its blocks; () for every peer, NOBODY for none.
        ports: its ports; () for every port.
    """

    direction: Direction
    peers: tuple[str, ...]
    ports: tuple[str, ...]


@dataclass(frozen=True)
class Relations:
    """What a policy is about: keys of the pods that it selects, and its rules."""

    policy: Policy
    selects: tuple[str, ...]
    rules: tuple[RuleRelation, ...]


def relations(world: World) -> tuple[Relations, ...]:
    """The relations of every policy of a world, in the order of the policies."""
    return tuple(
        Relations(policy, tuple(_selected(world, policy)), tuple(_rules(world, policy))) for policy in world.policies
    )


def _selected(world: World, policy: Policy) -> Iterator[str]:
    for pod in world.pods:
        if pod.namespace == policy.namespace and selects(policy.subject, dict(pod.labels)):
            yield pod.key


def _rules(world: World, policy: Policy) -> Iterator[RuleRelation]:
    for direction in (INGRESS, EGRESS):
        if direction in policy.types:
            rules = policy.rules(direction)
            for rule in rules:
                yield RuleRelation(direction, tuple(_peers(world, policy, rule)), tuple(map(_port, rule.ports)))
            if not rules:
                yield RuleRelation(direction, (NOBODY,), ())


def _peers(world: World, policy: Policy, rule: Rule) -> list[str]:
    """Keys of the matching pods and the blocks, each once; NOBODY if the rule's peers match no pod."""
    if not rule.peers:
        return []
    return list(dict.fromkeys(key for peer in rule.peers for key in _matching(world, policy, peer))) or [NOBODY]


def _matching(world: World, policy: Policy, peer: Peer) -> Iterator[str]:
    if isinstance(peer, IpBlock):
        yield peer.cidr + (f" except {', '.join(peer.exceptions)}" if peer.exceptions else "")
        return
    for pod in world.pods:
        if peer.namespaces is None:
            inside = pod.namespace == policy.namespace
        else:
            inside = selects(peer.namespaces, world.namespace(pod.namespace).all_labels())
        if inside and (peer.pods is None or selects(peer.pods, dict(pod.labels))):
            yield pod.key


def _port(entry: PortRule) -> str:
    if entry.port is None:
        return entry.protocol.upper()
    if isinstance(entry.port, str):
        return f"{entry.protocol.upper()}/{entry.port}"
    return port_text(entry.protocol, entry.port) + (f"–{entry.end}" if entry.end else "")
