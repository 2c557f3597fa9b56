"""Smaller histories: every way to remove one item from a history."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from policies import layouts
from policies.edits import RelabelNamespace, RelabelPod
from policies.model import EVERYTHING, Expression, IpBlock, Policy, Rule, Selector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from policies.model import Peer, World

    History = tuple[World, ...]

T = TypeVar("T")

LONG = 4  # items of a list that is halved first


def smaller(history: History) -> Iterator[History]:
    """Histories with one item removed; the largest reductions come first."""
    if len(history) > 1:
        yield history[-1:]
        if len(history) > 2:  # noqa: PLR2004 - the last change alone
            yield history[-2:]
        yield from ((*history[:index], *history[index + 1 :]) for index in range(len(history) - 1))
    bare = layouts.bare(history[0])
    if history[0].layout:
        yield tuple(layouts.in_base(world) for world in history)
    for key in {policy.key for world in history for policy in world.policies}:
        yield tuple(_without(world, key) for world in history)
    for key in {pod.key for world in history for pod in world.pods if pod.generation}:
        yield tuple(_never_replaced(world, key) for world in history)
    for index, world in enumerate(history):
        for other in _simpler(world, bare):
            yield (*history[:index], other, *history[index + 1 :])


def _without(world: World, key: str) -> World:
    return world.with_policies(*(policy for policy in world.policies if policy.key != key))


def _never_replaced(world: World, key: str) -> World:
    return replace(world, pods=tuple(replace(pod, generation=0) if pod.key == key else pod for pod in world.pods))


def _simpler(world: World, bare: World) -> Iterator[World]:
    for index, policy in enumerate(world.policies):
        yield world.with_policies(*world.policies[:index], *world.policies[index + 1 :])
        for other in policies(policy):
            yield world.with_policies(*world.policies[:index], other, *world.policies[index + 1 :])
    for pod, plain in zip(world.pods, bare.pods, strict=True):
        if pod.labels != plain.labels:
            yield RelabelPod(pod.key, plain.labels)(world)
    for namespace, ordinary in zip(world.namespaces, bare.namespaces, strict=True):
        if namespace.labels != ordinary.labels:
            yield RelabelNamespace(namespace.name, ordinary.labels)(world)


def policies(policy: Policy) -> Iterator[Policy]:
    """Policies with one item removed."""
    if policy.subject != EVERYTHING:
        yield replace(policy, subject=EVERYTHING)
    yield from (replace(policy, subject=subject) for subject in selectors(policy.subject))
    if len(policy.types) > 1:
        yield from (replace(policy, types=frozenset({one})) for one in sorted(policy.types))
    yield from (replace(policy, ingress=some) for some in _lists(policy.ingress, rules))
    yield from (replace(policy, egress=some) for some in _lists(policy.egress, rules))


def rules(rule: Rule) -> Iterator[Rule]:
    """Rules with one item removed."""
    yield from (replace(rule, peers=some) for some in _lists(rule.peers, peers))
    yield from (replace(rule, ports=some) for some in _lists(rule.ports, lambda _: iter(())))


def peers(peer: Peer) -> Iterator[Peer]:
    """Peers with one item removed."""
    if isinstance(peer, IpBlock):
        cut = peer.exceptions
        yield from (replace(peer, exceptions=some) for some in _lists(cut, lambda _: iter(())))
        return
    if peer.namespaces is not None and peer.pods is not None:
        yield replace(peer, namespaces=None)
        yield replace(peer, pods=None)
    for name, selector in (("namespaces", peer.namespaces), ("pods", peer.pods)):
        if selector is not None:
            yield from (replace(peer, **{name: some}) for some in selectors(selector))


def selectors(selector: Selector) -> Iterator[Selector]:
    """Selectors with one requirement removed, or one value of an expression."""
    yield from (replace(selector, labels=some) for some in _lists(selector.labels, lambda _: iter(())))
    yield from (replace(selector, expressions=some) for some in _lists(selector.expressions, expressions))


def expressions(row: Expression) -> Iterator[Expression]:
    """Expressions with one value removed."""
    yield from (replace(row, values=some) for some in _lists(row.values, lambda _: iter(())) if some)


def _lists(items: tuple[T, ...], simpler: Callable[[T], Iterator[T]]) -> Iterator[tuple[T, ...]]:
    """Lists with one item removed or made simpler; halves of long lists first."""
    if len(items) >= LONG:
        yield items[len(items) // 2 :]
        yield items[: len(items) // 2]
    for index, item in enumerate(items):
        yield (*items[:index], *items[index + 1 :])
        yield from ((*items[:index], other, *items[index + 1 :]) for other in simpler(item))
