"""Single changes of a world: of one field, of one label, of a list's length or order.

A change is chosen so that it matters: the oracle decides some flow otherwise without it, or, for a long list, without
its last entry.  An aspect is a kind of such changes.  If a world has no change of an aspect that matters, one of the
covering array is changed.
"""

from __future__ import annotations

import itertools
from collections import deque
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from policies import base_world, covering, stretching
from policies.ambiguities import PROFILES
from policies.edits import PutPolicy, RelabelNamespace, RelabelPod
from policies.endpoint_index import Index
from policies.families import family_of
from policies.oracle import Query, reachability
from policies.tweaks import FIELDS, LABELS, Tweaks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from random import Random

    from policies.edits import Edit
    from policies.families import Family
    from policies.model import World
    from policies.vocabularies import Vocabulary

    Worlds = tuple[World, ...]  # the last one is the changed world: decisions have to differ between it and each other

TURNS = 4  # aspects that are tried for one change
TRIES = 6  # changes of a world among which one that matters is looked for
ROWS = 20  # of the covering array, likewise
PROFILE = PROFILES["packet-filter"]
FLOWS = tuple(flow for flow in base_world.ALL_FLOWS if flow[0] != "sctp")  # few kernels have SCTP
LISTS = ("rules", "peers", "ports", "values", "expressions", "exceptions")


@cache
def addresses_of(family: Family) -> tuple[str, ...]:
    """The addresses of the base world of a family."""
    return tuple(ip for ips in base_world.MODEL_IPS.values() for ip in ips if family_of(ip) is family)


class Changes:
    """The single changes of a history.

    Args:
        family: of the addresses in blocks.
        texts: of labels and names of ports.
        random: chooses among changes.
    """

    def __init__(self, family: Family, texts: Vocabulary, random: Random) -> None:
        self.family, self.texts, self.random = family, texts, random

    def with_one(self, aspect: Aspect, world: World, room: int = 2) -> list[World]:
        """A world with a change of an aspect, after the world of the covering array that is changed, if it is one.

        Args:
            aspect: the aspect.
            world: the world to change.
            room: the most worlds to return; [] if no change that matters is found for them.
        """
        changed = self._mattering(aspect.pairs(self, world, aspect.name), TRIES)
        if changed is not None or room < 2:  # noqa: PLR2004 - the world of the array, and the changed one
            return [] if changed is None else [changed]
        rows = self.random.sample(covering.array(), ROWS)
        for row in rows:
            start = covering.world(row, self.random.choice(addresses_of(self.family)), world.layout)
            changed = self._mattering(aspect.pairs(self, start, aspect.name), 2)
            if changed is not None:
                return [start, changed]
        return []

    def with_next(self, turns: Turns, world: World, room: int) -> list[World]:
        """A world with a change of the next aspect for which one that matters is found; the others wait.

        Only for those that have waited, a world of the covering array is taken.
        """
        late, changed = [], []
        for _ in range(TURNS):
            has_waited = bool(turns.waiting)
            late.append(turns.take())
            if changed := self.with_one(late[-1], world, room if has_waited else 1):
                late.pop()
                break
        turns.waiting.extend(late)
        return changed or [world]

    def _mattering(self, choices: Iterator[Worlds], tries: int) -> World | None:
        """The first changed world with other decisions than each world it is compared with; None if none of some."""
        for _, (*others, changed) in zip(range(tries), choices, strict=False):
            if all(self.differ(other, changed) for other in others):
                return changed
        return None

    def differ(self, one: World, other: World) -> bool:
        """Whether the oracle decides some flow otherwise."""
        first, second = (Index(world, self.family) for world in (one, other))
        for flow in FLOWS:
            query = Query(*flow, family=self.family)
            before = reachability(one, query, PROFILE, first)
            if (before.must != reachability(other, query, PROFILE, second).must).any():
                return True
        return False

    def shuffled(self, choices: Sequence[Worlds]) -> Iterator[Worlds]:
        """Choices in random order."""
        return iter(self.random.sample(choices, len(choices)))

    def of_policies(self, world: World) -> Tweaks:
        """Changes of policies, with the labels of the objects of a world before those of the texts."""
        every = [*(pod.labels for pod in world.pods), *(namespace.labels for namespace in world.namespaces)]
        some = [label for labels in every for label in labels]
        return self._tweaks([key for key, _ in some], [value for _, value in some])

    def of_objects(self, world: World) -> Tweaks:
        """Changes of labels, with those that the policies of a world select."""
        return self._tweaks(*Tweaks.texts_of(world.policies))

    def _tweaks(self, keys: list[str], values: list[str]) -> Tweaks:
        ports = sorted({port for _, port in FLOWS})
        texts = replace(
            self.texts,
            keys=tuple(dict.fromkeys(keys)) or self.texts.keys,
            values=tuple(dict.fromkeys((*values, *self.texts.values[:2]))),
        )
        return Tweaks(texts, addresses_of(self.family), ports)


class Aspect:
    """A kind of single changes.

    Args:
        name: its name, in its group.
        pairs: the changes of a world.
    """

    def __init__(self, name: str, pairs: Callable[[Changes, World, str], Iterator[Worlds]]) -> None:
        self.name, self.pairs = name, pairs

    def __str__(self) -> str:
        return f"{self.pairs.__name__.strip('_').replace('_', ' ')}: {self.name}"


class Turns:
    """Aspects that take turns.

    Args:
        aspects: in random order.
        random: chooses the order.

    Attributes:
        waiting: aspects whose turn was in vain; they are the next.
    """

    def __init__(self, aspects: Sequence[Aspect], random: Random) -> None:
        self.waiting: deque[Aspect] = deque()
        self._cycle = itertools.cycle(random.sample(aspects, len(aspects)))

    def take(self) -> Aspect:
        """The next aspect."""
        return self.waiting.popleft() if self.waiting else next(self._cycle)


def _single(changes: Changes, world: World, field: str, edits: Iterable[tuple[str, Edit]]) -> Iterator[Worlds]:
    """The edits of a world that change one field."""
    return changes.shuffled([(world, edit(world)) for name, edit in edits if name == field])


def _one_field(changes: Changes, world: World, field: str) -> Iterator[Worlds]:
    """One field of one policy is another."""
    tweaks = changes.of_policies(world)
    edits = ((name, PutPolicy(new)) for policy in world.policies for name, new in tweaks.policy(policy))
    return _single(changes, world, field, edits)


def _one_label_of_a_pod(changes: Changes, world: World, field: str) -> Iterator[Worlds]:
    """One label of one pod is another."""
    tweaks = changes.of_objects(world)
    edits = ((name, RelabelPod(pod.key, new)) for pod in world.pods for name, new in tweaks.objects(pod.labels))
    return _single(changes, world, field, edits)


def _one_label_of_a_namespace(changes: Changes, world: World, field: str) -> Iterator[Worlds]:
    """One label of one namespace is another."""
    tweaks = changes.of_objects(world)
    edits = (
        (name, RelabelNamespace(namespace.name, new))
        for namespace in world.namespaces
        for name, new in tweaks.objects(namespace.labels)
    )
    return _single(changes, world, field, edits)


def filled(changes: Changes, world: World, kind: str, filling: Callable[[], stretching.Filling]) -> Iterator[Worlds]:
    """A list of a kind is filled, and its last entry matters."""
    pairs = []
    for policy in world.policies:
        for name, fill in stretching.lists(policy):
            if name == kind:
                how = filling()
                whole, cut = fill(how), fill(replace(how, cut=True))
                if whole != policy:
                    pairs.append((PutPolicy(cut)(world), PutPolicy(whole)(world)))
    return changes.shuffled(pairs)


def _other_order(changes: Changes, world: World, kind: str) -> Iterator[Worlds]:
    """A list has another order, and its last entry matters."""
    return filled(changes, world, kind, lambda: stretching.Filling(0, order=changes.random.randrange(2**16)))


EDITS = (  # in place, of one part alone
    *(Aspect(field, _one_field) for field in sorted(FIELDS)),
    *(Aspect(kind, _other_order) for kind in LISTS),
    *(Aspect(field, _one_label_of_a_pod) for field in LABELS),
    *(Aspect(field, _one_label_of_a_namespace) for field in LABELS),
)
