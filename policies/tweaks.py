"""Every way to change one field of a policy, or one label of an object, alone."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network
from typing import TYPE_CHECKING, TypeVar

from policies.families import family_of
from policies.model import EGRESS, EVERYTHING, INGRESS, PROTOCOLS, Expression, IpBlock, Selector, labels
from policies.stretching import with_rules

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from policies.model import Labels, Operator, Peer, Policy, PortRule, Rule
    from policies.vocabularies import Vocabulary

T = TypeVar("T")
Tweak = tuple[str, T]  # the name of the field, and the changed value

LAST_PORT = 65535
WITH_VALUES: tuple[Operator, ...] = ("In", "NotIn")
WITHOUT: tuple[Operator, ...] = ("Exists", "DoesNotExist")
TYPES = tuple(map(frozenset, ((INGRESS,), (EGRESS,), (INGRESS, EGRESS))))
FIELDS = frozenset(
    {
        *("podSelector", "policyTypes", "number of rules"),
        *("no rules", "no peers", "no ports", "no exceptions", "no expressions"),
        *("protocol", "port", "endPort", "name of a port", "number of ports", "number of peers"),
        *("cidr", "prefix length", "exception", "number of exceptions"),
        *("key", "value", "operator", "values", "selector"),
    }
)
LABELS = ("key", "value", "added", "removed")  # of an object


class Tweaks:
    """Changes of one field.

    Args:
        texts: for keys, values and names of ports.
        addresses: for blocks and exceptions; all of one family.
        ports: numbers of ports.
    """

    def __init__(self, texts: Vocabulary, addresses: Sequence[str], ports: Sequence[int]) -> None:
        self.texts, self.addresses, self.ports = texts, addresses, ports

    def policy(self, policy: Policy) -> Iterator[Tweak[Policy]]:
        """A policy with one field changed."""
        for name, subject in self.selector(policy.subject):
            yield name, replace(policy, subject=subject)
        if policy.subject != EVERYTHING:
            yield "podSelector", replace(policy, subject=EVERYTHING)
        yield from (("policyTypes", replace(policy, types=types)) for types in TYPES if types != policy.types)
        for direction in sorted(policy.types):
            for name, new in self._list(policy.rules(direction), "rules", self.rule):
                yield name, with_rules(policy, direction, new)

    def rule(self, rule: Rule) -> Iterator[Tweak[Rule]]:
        """A rule with one field changed."""
        for name, peers in self._list(rule.peers, "peers", self.peer):
            yield name, replace(rule, peers=peers)
        for name, ports in self._list(rule.ports, "ports", self.port):
            yield name, replace(rule, ports=ports)

    def _list(
        self, items: tuple[T, ...], name: str, change: Callable[[T], Iterator[Tweak[T]]]
    ) -> Iterator[Tweak[tuple[T, ...]]]:
        for index, item in enumerate(items):
            yield f"number of {name}" if len(items) > 1 else f"no {name}", (*items[:index], *items[index + 1 :])
            for field, new in change(item):
                yield field, (*items[:index], new, *items[index + 1 :])

    def peer(self, peer: Peer) -> Iterator[Tweak[Peer]]:
        """A peer with one field changed."""
        if isinstance(peer, IpBlock):
            yield from self.block(peer)
            return
        for part, selector in (("namespaces", peer.namespaces), ("pods", peer.pods)):
            if selector is None:
                yield "selector", replace(peer, **{part: EVERYTHING})
                continue
            for name, new in self.selector(selector):
                yield name, replace(peer, **{part: new})
            other = peer.pods if part == "namespaces" else peer.namespaces
            if other is not None:
                yield "selector", replace(peer, **{part: None})

    def block(self, block: IpBlock) -> Iterator[Tweak[Peer]]:
        """A block with another address, length or exception, as far as the exceptions are in the block."""
        for name, new in self._any_block(block):
            network = ip_network(new.cidr, strict=False)
            cuts = [ip_network(cut, strict=False) for cut in new.exceptions]
            if all(cut.prefixlen > network.prefixlen and cut.network_address in network for cut in cuts):
                yield name, new

    def _any_block(self, block: IpBlock) -> Iterator[Tweak[IpBlock]]:
        address, _, text = block.cidr.partition("/")
        length, bits = int(text), family_of(address).bits
        for other in self.addresses:
            if other != address and family_of(other).bits == bits:
                yield "cidr", replace(block, cidr=f"{other}/{length}")
        for other_length in sorted({length - 1, length + 1, length - 4, length + 4, 0, bits} - {length}):
            if 0 <= other_length <= bits:
                yield "prefix length", replace(block, cidr=f"{address}/{other_length}")
        for cut in (f"{address}/{bits}", f"{address}/{min(length + 1, bits)}"):
            if cut not in block.exceptions:
                yield "number of exceptions", replace(block, exceptions=(*block.exceptions, cut))
        for name, exceptions in self._list(block.exceptions, "exceptions", lambda cut: self._exception(cut, length)):
            yield name, replace(block, exceptions=exceptions)

    def _exception(self, cut: str, length: int) -> Iterator[Tweak[str]]:
        address, _, text = cut.partition("/")
        bits = family_of(address).bits
        for other in {int(text) - 1, int(text) + 1, length + 1, bits} - {int(text)}:
            if length < other <= bits:
                yield "exception", f"{address}/{other}"
        yield from (("exception", f"{other}/{text}") for other in self.addresses if other != address)

    def port(self, port: PortRule) -> Iterator[Tweak[PortRule]]:
        """An entry of ports with one field changed."""
        yield from (("protocol", replace(port, protocol=new)) for new in PROTOCOLS if new != port.protocol)
        if isinstance(port.port, str):
            names = (name for name in self.texts.port_names if name != port.port)
            yield from (("name of a port", replace(port, port=name)) for name in names)
            return
        if port.port is None:
            yield from (("port", replace(port, port=number)) for number in self.ports)
            return
        last = port.end or LAST_PORT
        below = (number for number in (*self.ports, port.port - 1, port.port + 1) if 1 <= number <= last)
        yield from (("port", replace(port, port=number)) for number in below if number != port.port)
        if port.end is not None:
            yield "endPort", replace(port, end=None)
        ends = {*self.ports, port.port, (port.end or port.port) - 1, (port.end or port.port) + 1, LAST_PORT}
        for end in sorted(ends - {port.end}):  # sorted: a history depends on its seed alone
            if port.port <= end <= LAST_PORT:
                yield "endPort", replace(port, end=end)

    def selector(self, selector: Selector) -> Iterator[Tweak[Selector]]:
        """A selector with one key, value or operator changed, or one requirement less."""
        for index in range(len(selector.labels)):
            yield "selector", replace(selector, labels=(*selector.labels[:index], *selector.labels[index + 1 :]))
        for name, new in self.labels(selector.labels):
            yield name, replace(selector, labels=new)
        for name, rows in self._list(selector.expressions, "expressions", self.expression):
            yield (name if name in FIELDS else "selector"), replace(selector, expressions=rows)

    def expression(self, row: Expression) -> Iterator[Tweak[Expression]]:
        """An expression with one field changed."""
        yield from (("key", replace(row, key=key)) for key in self.texts.keys if key != row.key)
        same_kind = WITH_VALUES if row.values else WITHOUT
        yield from (("operator", replace(row, operator=new)) for new in same_kind if new != row.operator)
        for index in range(len(row.values)):
            for other in self.texts.values:
                if other not in row.values:
                    yield "value", replace(row, values=(*row.values[:index], other, *row.values[index + 1 :]))
            if len(row.values) > 1:
                yield "values", replace(row, values=(*row.values[:index], *row.values[index + 1 :]))

    def labels(self, some: Labels) -> Iterator[Tweak[Labels]]:
        """Labels of which one value or one key is another."""
        present = dict(some)
        for key, value in some:
            rest = {name: one for name, one in some if name != key}
            yield from (("value", labels({**rest, key: new})) for new in self.texts.values if new != value)
            yield from (("key", labels({**rest, new: value})) for new in self.texts.keys if new not in present)

    @staticmethod
    def texts_of(policies: Iterable[Policy]) -> tuple[list[str], list[str]]:
        """The keys and the values of the selectors of policies."""
        rules = [rule for policy in policies for rule in (*policy.ingress, *policy.egress)]
        peers = [peer for rule in rules for peer in rule.peers if not isinstance(peer, IpBlock)]
        every = [policy.subject for policy in policies] + [
            one for peer in peers for one in (peer.namespaces, peer.pods)
        ]
        some = [selector for selector in every if selector is not None]
        rows = [row for selector in some for row in selector.expressions]
        pairs = [label for selector in some for label in selector.labels]
        keys = [key for key, _ in pairs] + [row.key for row in rows]
        return keys, [value for _, value in pairs] + [value for row in rows for value in row.values]

    def objects(self, some: Labels) -> Iterator[Tweak[Labels]]:
        """Labels of an object with one value or key changed, one added or one removed."""
        present = dict(some)
        yield from self.labels(some)
        for key in present:
            yield "removed", labels({name: one for name, one in some if name != key})
        for key in self.texts.keys:
            if key not in present:
                yield from (("added", labels({**present, key: value})) for value in self.texts.values)
