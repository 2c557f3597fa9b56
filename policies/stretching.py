"""Policies with long lists: entries that change nothing, before or around the entries that a policy has.

An implementation that enforces a part of a list is right as long as the entries that matter are in that part.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from ipaddress import ip_address, ip_network
from random import Random
from typing import TYPE_CHECKING, TypeVar

from policies.model import INGRESS, Expression, IpBlock, PodPeer, PortRule, Rule, Selector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from policies.model import Direction, Labels, Peer, Policy

T = TypeVar("T")
R = TypeVar("R")

LENGTHS = (3, 5, 9, 17, 33)  # just above powers of two, at which implementations cut or split lists
NOBODY = "nobody"  # key of a label that no object has
UNUSED_PORT = 2000  # the first of some ports that are not probed


@dataclass(frozen=True)
class Filling:
    """How a list is filled.

    Attributes:
        length: its length; with 0 it has its own entries only.
        order: seed of the order of its entries; None if its own entries come last.
        cut: leave out the last entry.
    """

    length: int
    order: int | None = None
    cut: bool = False

    def fill(self, entries: tuple[T, ...], fillers: list[T]) -> tuple[T, ...]:
        """Fill a list of entries with fillers."""
        mixed = [*fillers[: max(0, self.length - len(entries))], *entries]
        if self.order is not None:
            Random(self.order).shuffle(mixed)  # noqa: S311 - an order
        return tuple(mixed[:-1] if self.cut else mixed)


Fill = tuple[str, "Callable[[Filling], T]"]  # the kind of a list, and the function that fills it


def stretched(policy: Policy, length: int, seed: int) -> Policy:
    """A policy of which one list has this length.

    Args:
        policy: the policy.
        length: the length; a list of exceptions may have no room for it.
        seed: which list it is, and the order of its entries.
    """
    some = list(lists(policy))
    if not some:
        return policy
    random = Random(seed)  # noqa: S311 - a choice
    kind = random.choice(sorted({kind for kind, _ in some}))
    return random.choice([fill for name, fill in some if name == kind])(Filling(length, seed))


def lists(policy: Policy) -> Iterator[Fill[Policy]]:
    """The lists of a policy that can be long."""
    yield from _inside(_of_selector(policy.subject), lambda new: replace(policy, subject=new))
    for direction in sorted(policy.types):
        yield from _inside(_of_rules(policy.rules(direction)), partial(with_rules, policy, direction))


def with_rules(policy: Policy, direction: Direction, new: tuple[Rule, ...]) -> Policy:
    """A policy with other rules of a direction."""
    return replace(policy, ingress=new) if direction == INGRESS else replace(policy, egress=new)


def nobody(number: int) -> Peer:
    """A peer that matches no end: by a label, or by an address for documentation (RFC 5737)."""
    return PodPeer(None, Selector(((NOBODY, f"n{number}"),))) if number % 2 else IpBlock(f"198.51.100.{number}/32")


def _nobodies() -> list[Peer]:
    return [nobody(number) for number in range(1, max(LENGTHS) + 1)]


def _inside(fills: Iterator[Fill[T]], put: Callable[[T], R]) -> Iterator[Fill[R]]:
    """The lists of a part as lists of the whole; `put` makes the whole with another part."""
    for kind, fill in fills:
        yield kind, partial(_filled, put, fill)


def _filled(put: Callable[[T], R], fill: Callable[[Filling], T], how: Filling) -> R:
    return put(fill(how))


def _within(items: tuple[T, ...], of_item: Callable[[T], Iterator[Fill[T]]]) -> Iterator[Fill[tuple[T, ...]]]:
    """The lists inside the items of a list."""
    for index, item in enumerate(items):
        yield from _inside(of_item(item), partial(_with_item, items, index))


def _with_item(items: tuple[T, ...], index: int, new: T) -> tuple[T, ...]:
    return (*items[:index], new, *items[index + 1 :])


def _of_rules(rules: tuple[Rule, ...]) -> Iterator[Fill[tuple[Rule, ...]]]:
    if rules:
        yield "rules", lambda how: how.fill(rules, [Rule((peer,)) for peer in _nobodies()])
    yield from _within(rules, _of_rule)


def _of_rule(rule: Rule) -> Iterator[Fill[Rule]]:
    if rule.peers:
        yield "peers", lambda how: replace(rule, peers=how.fill(rule.peers, _nobodies()))
    if rule.ports:
        protocol = rule.ports[-1].protocol
        unused = [PortRule(protocol, UNUSED_PORT + 2 * number) for number in range(max(LENGTHS))]
        yield "ports", lambda how: replace(rule, ports=how.fill(rule.ports, unused))
    yield from _inside(_within(rule.peers, _of_peer), lambda new: replace(rule, peers=new))


def _of_peer(peer: Peer) -> Iterator[Fill[Peer]]:
    if isinstance(peer, IpBlock):
        if (room := ip_network(peer.cidr, strict=False)).prefixlen < room.max_prefixlen:
            yield "exceptions", lambda how: _with_exceptions(peer, how)
        return
    if peer.namespaces is not None:
        yield from _inside(_of_selector(peer.namespaces), lambda new: replace(peer, namespaces=new))
    if peer.pods is not None:
        yield from _inside(_of_selector(peer.pods), lambda new: replace(peer, pods=new))


def _with_exceptions(block: IpBlock, how: Filling) -> IpBlock:
    """A block with exceptions from its end before its own ones, or before one of its own address."""
    network = ip_network(block.cidr, strict=False)
    bits, last = network.max_prefixlen, int(network.broadcast_address)
    if not how.length and not block.exceptions:
        return block
    own = block.exceptions or (f"{block.cidr.partition('/')[0]}/{bits}",)
    step = 2 if network.num_addresses > 2 * how.length else 1  # neighbours could be merged
    from_end = (f"{ip_address(last - step * n)}/{bits}" for n in range(min(how.length, network.num_addresses)))
    return replace(block, exceptions=how.fill(own, [cidr for cidr in from_end if cidr not in own]))


def _of_selector(selector: Selector) -> Iterator[Fill[Selector]]:
    """The lists of a selector: expressions that match every object are added, and values that none has."""
    if selector.expressions:
        more = [Expression(f"{NOBODY}-{number}", "DoesNotExist") for number in range(max(LENGTHS))]
        yield "expressions", lambda how: replace(selector, expressions=how.fill(selector.expressions, more))
    rows = _within(selector.expressions, _of_expression)
    yield from _inside(rows, lambda new: replace(selector, expressions=new))


def _of_expression(row: Expression) -> Iterator[Fill[Expression]]:
    if row.values:
        unused = [f"v{number}" for number in range(max(LENGTHS))]
        yield "values", lambda how: replace(row, values=how.fill(row.values, unused))


def many_labels(length: int) -> Labels:
    """Labels that an object has beside its own, so that they are a long list."""
    return tuple((f"l{number:02}", "v") for number in range(1, length + 1))
