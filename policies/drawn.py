"""Which values the generated states of a run had, by area, and which they never had.

Every quantity is listed with all of its classes, so that a class that no state had shows.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from policies import changed_fields, features, layouts, likeness
from policies.features import LENGTHS, PORTS, SPANS, Feature

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from policies.families import Family
    from policies.model import World

    Classes = Mapping[str, Mapping[str, tuple[str, ...]]]  # by area and quantity

LISTS, NUMBERS, TEXTS = "lengths of lists", "numbers", "texts that are alike"
COMBINATIONS, EDITS, PODS = "combinations", "edits of one field in place", "pods"
AREAS = (LISTS, NUMBERS, TEXTS, COMBINATIONS, EDITS, PODS)
OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist")
LABELS = ("label added", "label removed", "key of a label", "value of a label")
ALIKE = (
    *("differ by case", "one begins the other", "one ends the other", "dot or hyphen"),
    *("like a number", "63 characters or more"),
)
CHANGED = (
    *("policyTypes", "podSelector", "namespaceSelector", "protocol", "port", "name of a port", "endPort"),
    *("cidr", "except", "number of except", "order of except", "key", "operator", "number of values"),
    *("values", "number of matchExpressions", "order of matchExpressions"),
    *(f"matchLabels: {change}" for change in LABELS),
    *(f"number of {name}" for name in ("ingress", "egress", "from", "to", "ports")),
    *(f"order of {name}" for name in ("ingress", "egress", "from", "to", "ports")),
)
LISTS_OF_A_STATE = (
    *("policies that select a pod", "rules of a direction", "peers of a rule", "ports of a rule"),
    *("labels of a selector", "expressions of a selector", "values of an expression", "exceptions of a block"),
    *("labels of a pod or namespace", "ports that a pod declares"),
)
PLACES = (
    "podSelector",
    *(f"{part} {place}" for part in ("namespaceSelector", "podSelector") for place in ("alone", "beside the other")),
)
TOGETHER: Mapping[str, tuple[str, ...]] = {
    "policyTypes": ("Ingress", "Egress", "Ingress and Egress"),
    "rules of both directions": ("in both", "none for Ingress", "none for Egress", "in none"),
    "peer": (
        "namespaceSelector",
        "podSelector",
        "namespaceSelector and podSelector",
        "ipBlock",
        "block and exceptions",
    ),
    "protocol": ("TCP", "UDP", "SCTP"),
    "form of a port": ("protocol alone", "number", "range", "name"),
    "two ports of a rule": (
        *("one number of two protocols", "one name of two protocols", "two names", "number and name"),
        *("overlapping ranges", "adjacent ranges"),
    ),
    "two rules": ("same peers and other ports", "same ports and other peers"),
    "two policies": (
        *("same rules", "one podSelector in one namespace", "one podSelector in two namespaces"),
        *("a common peer in one namespace", "a common peer in two namespaces"),
    ),
    **{f"selector: {place}": ("empty", "matchLabels", *OPERATORS) for place in PLACES},
}


@dataclass(frozen=True)
class Quantity:
    """What the states of a run had of a quantity.

    Attributes:
        area: one of AREAS.
        name: the quantity.
        values: number of distinct values, or of classes that were drawn if they have no values.
        states: number of states that have it.
        classes: all classes.
        drawn: number of states by class, of the classes that some state has.
    """

    area: str
    name: str
    values: int
    states: int
    classes: tuple[str, ...]
    drawn: Mapping[str, int]

    @property
    def missing(self) -> tuple[str, ...]:
        """The classes that no state has."""
        return tuple(kind for kind in self.classes if kind not in self.drawn)


def classes(family: Family) -> Classes:
    """All classes of all quantities, with the prefix lengths of a family."""
    prefixes = features.prefixes(family)
    return {
        LISTS: dict.fromkeys(LISTS_OF_A_STATE, LENGTHS),
        NUMBERS: {
            f"prefix length ({family})": prefixes,
            f"prefix length of an exception ({family})": prefixes[1:],
            "port": PORTS,
            "ports of a range": SPANS,
        },
        TEXTS: {
            "keys of labels": (*ALIKE, "differ by prefix and slash", "same first 63 characters"),
            "values of labels": (*ALIKE, "empty"),
            "names of policies": ("one begins the other", "one ends the other", "dot or hyphen", *ALIKE[-1:]),
            "one text": (*(f"key and {other}" for other in ("value", "name of a port", "namespace")), "joined"),
        },
        COMBINATIONS: TOGETHER,
        EDITS: {
            "policy": CHANGED,
            "labels of a pod": LABELS,
            "labels of a namespace": LABELS,
            "changed back": ("policy", "labels of a pod", "labels of a namespace"),
        },
        PODS: {
            "names": layouts.STYLES,
            "pods": ("running", "terminating", "finished", "host network", "replaced"),
        },
    }


def measure(histories: Sequence[Sequence[World]], family: Family) -> list[Quantity]:
    """What the states of histories had, with every quantity, in the order of the areas.

    Args:
        histories: the states of a run.
        family: of the addresses in blocks.
    """
    states: Counter[tuple[str, str]] = Counter()
    having: Counter[str] = Counter()
    values: defaultdict[str, set[object]] = defaultdict(set)
    for history in histories:
        for found in _by_state(history):
            states.update({(feature.quantity, feature.kind) for feature in found})
            having.update({feature.quantity for feature in found})
            for feature in found:
                values[feature.quantity].add(feature.value or feature.kind)
    return [
        Quantity(
            area,
            name,
            len(values[name]),
            having[name],
            every,
            {kind: states[name, kind] for kind in every if states[name, kind]},
        )
        for area, quantities in classes(family).items()
        for name, every in quantities.items()
    ]


def features_of(history: Sequence[World]) -> set[Feature]:
    """The features of all states of a history, and of the edits between them."""
    return set().union(*_by_state(history))


def _by_state(history: Sequence[World]) -> Iterator[set[Feature]]:
    """The features of each state, with the edit that led to it."""
    for index, world in enumerate(history):
        found = {*features.of_world(world), *likeness.of_world(world)}
        edit = changed_fields.between(history[index - 1], world) if index else None
        if edit is not None:
            found.add(edit)
            if index > 1 and world == history[index - 2]:
                found.add(Feature("changed back", edit.quantity, None))
        yield found
