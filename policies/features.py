"""What generated states have: lengths of lists, numbers, combinations and pods.

A feature has the name of a quantity, the class of its value, and the value; drawn.py lists all classes.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, NamedTuple

from policies import layouts
from policies.endpoint_index import selects
from policies.families import family_of
from policies.model import EGRESS, FINISHED, INGRESS, PodPeer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.families import Family
    from policies.model import Peer, Pod, Policy, PortRule, Rule, Selector, World

LENGTHS = ("1", "2", "3-4", "5-8", "9-16", "17-32", "33 or more")
SPANS = ("1", "2-9", "10-999", "1000-65534", "65535")
PORTS = ("1", "2-1023", "1024-32767", "32768-65534", "65535")


class Feature(NamedTuple):
    """A feature of a state.

    Attributes:
        quantity: what has the value, such as "ports of a rule".
        kind: the class of the value.
        value: the value itself.
    """

    quantity: str
    kind: str
    value: object


def class_of(number: int, classes: tuple[str, ...]) -> str:
    """The class of a number: the last one that begins at it or below; "" below the first one."""
    below = [one for one in classes if int(one.partition("-")[0].partition(" ")[0]) <= number]
    return below[-1] if below else ""


def of_world(world: World) -> Iterator[Feature]:
    """The features of a state."""
    for policy in world.policies:
        yield from _of_policy(policy)
    for pod in world.pods:
        for labels in (pod.labels, world.namespace(pod.namespace).labels):
            yield from _length("labels of a pod or namespace", labels)
        yield from _length("ports that a pod declares", pod.ports)
        count = sum(_selected(policy, pod) for policy in world.policies)
        yield from _length("policies that select a pod", range(count))
    yield from _combined(world)
    yield from _of_pods(world)


def _selected(policy: Policy, pod: Pod) -> bool:
    return policy.namespace == pod.namespace and selects(policy.subject, dict(pod.labels))


def _length(quantity: str, some: Any) -> Iterator[Feature]:  # noqa: ANN401 - anything with a length
    if len(some):
        yield Feature(quantity, class_of(len(some), LENGTHS), len(some))


def _of_policy(policy: Policy) -> Iterator[Feature]:
    types = [direction for direction in (INGRESS, EGRESS) if direction in policy.types]
    yield Feature("policyTypes", " and ".join(types), None)
    if len(types) > 1:
        missing = [direction for direction in types if not policy.rules(direction)]
        kind = ("in both", f"none for {missing[0]}" if missing else "", "in none")[len(missing)]
        yield Feature("rules of both directions", kind, None)
    yield from _of_selector("podSelector", policy.subject)
    for rules in (policy.ingress, policy.egress):
        yield from _length("rules of a direction", rules)
        for rule in rules:
            yield from _of_rule(rule)


def _of_rule(rule: Rule) -> Iterator[Feature]:
    yield from _length("peers of a rule", rule.peers)
    yield from _length("ports of a rule", rule.ports)
    for peer in rule.peers:
        yield from _of_peer(peer)
    for port in rule.ports:
        yield from _of_port(port)
    for one, other in itertools.permutations(rule.ports, 2):
        if kind := _ports_together(one, other):
            yield Feature("two ports of a rule", kind, None)


def _of_port(port: PortRule) -> Iterator[Feature]:
    form = {int: "number", str: "name"}.get(type(port.port), "protocol alone")
    yield Feature("protocol", port.protocol.upper(), None)
    yield Feature("form of a port", "range" if port.end is not None else form, None)
    if isinstance(port.port, int):
        for number in (port.port, port.end):
            if number is not None:
                yield Feature("port", class_of(number, PORTS), number)
        if port.end is not None:
            width = port.end - port.port + 1
            yield Feature("ports of a range", class_of(width, SPANS), width)


def _ports_together(one: PortRule, other: PortRule) -> str:
    """How two entries of ports are alike; "" if they are not."""
    if one.port == other.port and one.protocol != other.protocol and one.port is not None:
        return "one name of two protocols" if isinstance(one.port, str) else "one number of two protocols"
    if one.protocol != other.protocol:
        return ""
    if isinstance(one.port, int) and isinstance(other.port, int):
        ends = one.end or one.port, other.end or other.port
        if one.port <= other.port <= ends[0]:
            return "overlapping ranges"
        return "adjacent ranges" if other.port == ends[0] + 1 else ""
    if isinstance(one.port, str) and isinstance(other.port, str):
        return "two names"
    return "number and name" if isinstance(one.port, int) and isinstance(other.port, str) else ""


def _of_peer(peer: Peer) -> Iterator[Feature]:
    if isinstance(peer, PodPeer):
        parts = {"namespaceSelector": peer.namespaces, "podSelector": peer.pods}
        present = {name: part for name, part in parts.items() if part is not None}
        yield Feature("peer", " and ".join(present), None)
        for name, part in present.items():
            place = "beside the other" if len(present) > 1 else "alone"
            yield from _of_selector(f"{name} {place}", part)
        return
    yield Feature("peer", "block and exceptions" if peer.exceptions else "ipBlock", None)
    yield from _length("exceptions of a block", peer.exceptions)
    yield _of_prefix("prefix length", peer.cidr)
    yield from (_of_prefix("prefix length of an exception", cut) for cut in peer.exceptions)


def _of_prefix(quantity: str, cidr: str) -> Feature:
    family, length = family_of(cidr.partition("/")[0]), int(cidr.partition("/")[2])
    return Feature(f"{quantity} ({family})", class_of(length, prefixes(family)), length)


def prefixes(family: Family) -> tuple[str, ...]:
    """The classes of prefix lengths of a family: whole octets or groups of IPv6, and what is between."""
    if family.version == 4:  # noqa: PLR2004 - a family
        return ("0", "1-7", "8", "9-15", "16", "17-23", "24", "25-31", "32")
    return ("0", "1-31", "32", "33-47", "48", "49-63", "64", "65-127", "128")


def _of_selector(place: str, selector: Selector) -> Iterator[Feature]:
    yield from _length("labels of a selector", selector.labels)
    yield from _length("expressions of a selector", selector.expressions)
    kinds = {"matchLabels"} if selector.labels else set()
    for row in selector.expressions:
        kinds.add(row.operator)
        yield from _length("values of an expression", row.values)
    yield from (Feature(f"selector: {place}", kind, None) for kind in kinds or {"empty"})


def _combined(world: World) -> Iterator[Feature]:
    """Rules and policies that share a part."""
    for policy in world.policies:
        for rules in (policy.ingress, policy.egress):
            for one, other in itertools.combinations(rules, 2):
                if one.peers == other.peers and one.ports != other.ports:
                    yield Feature("two rules", "same peers and other ports", None)
                if one.ports == other.ports and one.peers != other.peers:
                    yield Feature("two rules", "same ports and other peers", None)
    for one_policy, other_policy in itertools.combinations(world.policies, 2):
        yield from _policies_together(one_policy, other_policy)


def _policies_together(one: Policy, other: Policy) -> Iterator[Feature]:
    where = "one namespace" if one.namespace == other.namespace else "two namespaces"
    if one.subject == other.subject:
        yield Feature("two policies", f"one podSelector in {where}", None)
    if (one.ingress, one.egress) == (other.ingress, other.egress) != ((), ()):
        yield Feature("two policies", "same rules", None)
    peers = [{peer for rule in (*policy.ingress, *policy.egress) for peer in rule.peers} for policy in (one, other)]
    if peers[0] & peers[1]:
        yield Feature("two policies", f"a common peer in {where}", None)


def _of_pods(world: World) -> Iterator[Feature]:
    style = layouts.STYLES[world.layout % len(layouts.STYLES)] if world.layout else "plain"
    yield Feature("names", style, world.layout)
    for pod in world.pods:
        kind = "host network" if pod.host_network else "finished" if pod.phase in FINISHED else ""
        kind = kind or ("terminating" if pod.ending else "")
        yield Feature("pods", kind or ("replaced" if pod.generation else "running"), pod.key)
