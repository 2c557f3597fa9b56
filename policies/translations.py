"""Worlds with other texts: the same labels and selectors, with keys and values that implementations confuse."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from policies.model import IpBlock, Selector
from policies.vocabularies import DOMAIN, LONG

if TYPE_CHECKING:
    from collections.abc import Mapping

    from policies.model import Peer, Policy, Rule, World

Translation = tuple["Mapping[str, str]", "Mapping[str, str]"]  # other keys, and other values

# The keys pod and app, ns and team, and the values a, b and x, y, are alike, each pair in a way of its own.  Objects
# that lack the key app or team have the one that is alike.
TRANSLATIONS: Mapping[str, Translation] = {
    "plain": ({}, {}),
    "case": ({"pod": "App", "ns": "Team"}, {"b": "A", "c": "B", "x": "Y", "blue": "y"}),
    # Labels of different keys are one text once a hyphen joins them: app-2 and a-2, app and 2-a-2.
    "beginning": (
        {"pod": "app-2", "ns": "team-2"},
        {"b": "a-2", "c": "a.b", "shop": "2-a-2", "x": "y2", "blue": "2-y"},
    ),
    "end": ({"pod": "my-app", "ns": "my.team"}, {"b": "b-a", "c": "ba", "x": "xy"}),
    "length": (
        {"pod": f"{LONG}a", "app": f"{LONG}b", "ns": f"{DOMAIN}/ns", "team": f"{DOMAIN}/team"},
        {"a": f"{LONG}a", "b": f"{LONG}b", "c": LONG, "x": f"{LONG}x", "y": f"{LONG}y"},
    ),
    "numbers": (
        {"pod": "1", "app": "01", "ns": "2", "team": "02"},
        {"a": "1", "b": "01", "c": "1.0", "x": "2.0", "y": "2"},
    ),
    "prefixes": (
        {"pod": "example.com/app", "ns": "example.com/team"},
        {"b": "example.com", "c": "example-com", "x": "example.org", "y": "example-org"},
    ),
    "one-text": ({"pod": "web", "ns": "y"}, {"a": "web", "b": "pod", "shop": "web", "blue": "y"}),
}


def translated(world: World, texts: Translation) -> World:
    """A world with other keys and values of labels; keys with a prefix of Kubernetes stay."""
    keys, values = texts

    def label(old: tuple[str, str]) -> tuple[str, str]:
        key, value = old
        return (key, value) if key.startswith("kubernetes.io/") else (keys.get(key, key), values.get(value, value))

    def selector(old: Selector) -> Selector:
        rows = (
            replace(
                row, key=keys.get(row.key, row.key), values=tuple(values.get(value, value) for value in row.values)
            )
            for row in old.expressions
        )
        return Selector(tuple(sorted(map(label, old.labels))), tuple(rows))

    def peer(old: Peer) -> Peer:
        if isinstance(old, IpBlock):
            return old
        parts = {"namespaces": old.namespaces, "pods": old.pods}
        return replace(old, **{name: selector(part) for name, part in parts.items() if part is not None})

    def rules(old: tuple[Rule, ...]) -> tuple[Rule, ...]:
        return tuple(replace(rule, peers=tuple(map(peer, rule.peers))) for rule in old)

    def policy(old: Policy) -> Policy:
        return replace(old, subject=selector(old.subject), ingress=rules(old.ingress), egress=rules(old.egress))

    return replace(
        world,
        pods=tuple(replace(pod, labels=tuple(sorted(map(label, pod.labels)))) for pod in world.pods),
        namespaces=tuple(replace(ns, labels=tuple(sorted(map(label, ns.labels)))) for ns in world.namespaces),
        policies=tuple(map(policy, world.policies)),
    )
