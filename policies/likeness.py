"""Texts of a state that implementations take for one another, by how they are alike."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from policies.features import Feature
from policies.model import IpBlock
from policies.validation import LONGEST_LABEL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.model import Policy, Selector, World


def of_world(world: World) -> Iterator[Feature]:
    """The features of the texts of a state."""
    labels = [pair for pod in world.pods for pair in pod.labels]
    labels += [pair for namespace in world.namespaces for pair in namespace.labels]
    selectors = [selector for policy in world.policies for selector in selectors_of(policy)]
    labels += [pair for selector in selectors for pair in selector.labels]
    labels += [(row.key, value) for selector in selectors for row in selector.expressions for value in row.values]
    keys = {key for key, _ in labels} | {row.key for selector in selectors for row in selector.expressions}
    values = {value for _, value in labels}
    texts = {"keys of labels": keys, "values of labels": values, "names of policies": {p.name for p in world.policies}}
    for quantity, some in texts.items():
        yield from (Feature(quantity, kind, None) for kind in alike(some))
    others = {
        "value": values,
        "name of a port": {port.name for pod in world.pods for port in pod.ports} - {""},
        "namespace": {namespace.name for namespace in world.namespaces},
    }
    yield from (Feature("one text", f"key and {name}", None) for name, some in others.items() if keys & some)
    if len({f"{key}-{value}" for key, value in labels}) < len(set(labels)):
        yield Feature("one text", "joined", None)


def alike(texts: set[str]) -> Iterator[str]:
    """The ways in which some texts are alike; drawn.py lists all of them."""
    if "" in texts:
        yield "empty"
    if any(text.replace(".", "").isdigit() for text in texts):
        yield "like a number"
    if any(max(map(len, text.rpartition("/"))) >= LONGEST_LABEL for text in texts):
        yield "63 characters or more"
    for one, other in itertools.permutations(texts - {""}, 2):
        yield from _alike(one, other)


def _alike(one: str, other: str) -> Iterator[str]:
    if one.lower() == other.lower():
        yield "differ by case"
    if other.endswith(f"/{one.rpartition('/')[2]}"):
        yield "differ by prefix and slash"
    elif other.startswith(one):
        yield "one begins the other"
    elif other.endswith(one):
        yield "one ends the other"
    if one.replace(".", "-") == other.replace(".", "-"):
        yield "dot or hyphen"
    if len(one) > LONGEST_LABEL and one[:LONGEST_LABEL] == other[:LONGEST_LABEL]:
        yield "same first 63 characters"


def selectors_of(policy: Policy) -> Iterator[Selector]:
    """The selectors of a policy."""
    yield policy.subject
    for rule in (*policy.ingress, *policy.egress):
        for peer in rule.peers:
            if not isinstance(peer, IpBlock):
                yield from (part for part in (peer.namespaces, peer.pods) if part is not None)
