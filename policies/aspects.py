"""Single changes of a world: of one field, of one label, of a list's length or order.

A change is chosen so that it matters: the oracle decides some flow otherwise without it, or, for a long list, without
its last entry.  An aspect is a kind of such changes.  If a world has no change of an aspect that matters, one of the
covering array is changed.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from ipaddress import ip_address
from typing import TYPE_CHECKING

from policies import base_world, covering, stretching
from policies.ambiguities import PROFILES
from policies.edits import PutPolicy, RelabelNamespace, RelabelPod
from policies.endpoint_index import Index
from policies.families import family_of
from policies.model import EVERYTHING, IpBlock, Policy, Rule, Selector
from policies.oracle import Query, reachability
from policies.tweaks import FIELDS, LABELS, Tweaks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from random import Random

    from policies.edits import Edit
    from policies.families import Family
    from policies.model import Labels, World
    from policies.vocabularies import Vocabulary

    Pair = tuple[World, World]  # worlds between which decisions have to differ; the second one is the changed world

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

    def with_one(self, aspect: Aspect, world: World) -> list[World]:
        """A world with a change of an aspect, after the world of the covering array that is changed, if it is one."""
        changed = self._mattering(aspect.pairs(self, world, aspect.name), TRIES)
        if changed is not None:
            return [changed]
        rows = self.random.sample(covering.array(), ROWS)
        for row in rows:
            start = covering.world(row, self.random.choice(addresses_of(self.family)), world.layout)
            changed = self._mattering(aspect.pairs(self, start, aspect.name), 2)
            if changed is not None:
                return [start, changed]
        return [world]

    def _mattering(self, pairs: Iterator[Pair], tries: int) -> World | None:
        """The changed world of the first pair whose worlds have other decisions; None if none of some has."""
        for _, (one, other) in zip(range(tries), pairs, strict=False):
            if self.differ(one, other):
                return other
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

    def shuffled(self, pairs: list[Pair]) -> Iterator[Pair]:
        """Pairs in random order."""
        return iter(self.random.sample(pairs, len(pairs)))

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

    def __init__(self, name: str, pairs: Callable[[Changes, World, str], Iterator[Pair]]) -> None:
        self.name, self.pairs = name, pairs

    def __str__(self) -> str:
        return f"{self.pairs.__name__.strip('_').replace('_', ' ')}: {self.name}"


def _single(changes: Changes, world: World, field: str, edits: Iterable[tuple[str, Edit]]) -> Iterator[Pair]:
    """The edits of a world that change one field."""
    return changes.shuffled([(world, edit(world)) for name, edit in edits if name == field])


def _one_field(changes: Changes, world: World, field: str) -> Iterator[Pair]:
    """One field of one policy is another."""
    tweaks = changes.of_policies(world)
    edits = ((name, PutPolicy(new)) for policy in world.policies for name, new in tweaks.policy(policy))
    return _single(changes, world, field, edits)


def _one_label_of_a_pod(changes: Changes, world: World, field: str) -> Iterator[Pair]:
    """One label of one pod is another."""
    tweaks = changes.of_objects(world)
    edits = ((name, RelabelPod(pod.key, new)) for pod in world.pods for name, new in tweaks.objects(pod.labels))
    return _single(changes, world, field, edits)


def _one_label_of_a_namespace(changes: Changes, world: World, field: str) -> Iterator[Pair]:
    """One label of one namespace is another."""
    tweaks = changes.of_objects(world)
    edits = (
        (name, RelabelNamespace(namespace.name, new))
        for namespace in world.namespaces
        for name, new in tweaks.objects(namespace.labels)
    )
    return _single(changes, world, field, edits)


def _filled(changes: Changes, world: World, kind: str, filling: Callable[[], stretching.Filling]) -> Iterator[Pair]:
    pairs = []
    for policy in world.policies:
        for name, fill in stretching.lists(policy):
            if name == kind:
                how = filling()
                whole, cut = fill(how), fill(replace(how, cut=True))
                if whole != policy:
                    pairs.append((PutPolicy(cut)(world), PutPolicy(whole)(world)))
    return changes.shuffled(pairs)


def _long_list(changes: Changes, world: World, kind: str) -> Iterator[Pair]:
    """A list is long, and its last entry matters."""
    return _filled(changes, world, kind, lambda: stretching.Filling(changes.random.choice(stretching.LENGTHS)))


def _other_order(changes: Changes, world: World, kind: str) -> Iterator[Pair]:
    """A list has another order, and its last entry matters."""
    return _filled(changes, world, kind, lambda: stretching.Filling(0, order=changes.random.randrange(2**16)))


def _nested_exceptions(changes: Changes, world: World, _: str) -> Iterator[Pair]:
    """A block of all addresses has two exceptions of one address, and the wider one matters, in any order."""
    pairs = []
    bits, everything = changes.family.bits, changes.family.everything
    for policy in world.policies:
        for direction in sorted(policy.types):
            for address in addresses_of(changes.family):
                number = int(ip_address(address))
                zeros = (number & -number).bit_length() - 1  # so that both are written with the same address
                cuts = [f"{address}/{bits}", f"{address}/{bits - max(1, zeros)}"]
                changes.random.shuffle(cuts)
                narrow = IpBlock(everything, (f"{address}/{bits}",))
                worlds = (
                    PutPolicy(stretching.with_rules(policy, direction, (Rule((block,)),)))(world)
                    for block in (narrow, replace(narrow, exceptions=tuple(cuts)))
                )
                pairs.append((next(worlds), next(worlds)))
    return changes.shuffled(pairs)


def _many_policies(changes: Changes, world: World, _: str) -> Iterator[Pair]:
    """Many policies select the same pods; the last one matters, by its age and half the time by its name."""
    pairs = []
    for policy in world.policies:
        numbers = range(1, changes.random.choice(stretching.LENGTHS))
        more = (Policy(policy.namespace, f"f{number:02}", policy.subject, policy.types) for number in numbers)
        without = world.with_policies(*(other for other in world.policies if other is not policy), *more)
        pairs.append((without, PutPolicy(replace(policy, name=changes.random.choice(("e", "g"))))(without)))
    return changes.shuffled(pairs)


def _many_labels(changes: Changes, world: World, _: str) -> Iterator[Pair]:
    """A policy selects a pod by many labels; the others of its namespace lack one of them."""
    random = changes.random
    pod = random.choice(world.pods)
    some = (("last", "v"), *stretching.many_labels(random.choice(stretching.LENGTHS) - 1))
    without = world
    for other in world.pods:
        if other.namespace == pod.namespace:
            lacking = random.choice(some)
            own: Labels = some if other is pod else tuple(label for label in some if label != lacking)
            without = RelabelPod(other.key, tuple(sorted({**dict(other.labels), **dict(own)}.items())))(without)
    policy = Policy(pod.namespace, random.choice(("p", "z")), Selector(tuple(sorted(some))))
    yield without, PutPolicy(policy)(without)


def _same_rules(changes: Changes, world: World, _: str) -> Iterator[Pair]:
    """Two policies have the same rules."""
    pairs = []
    subjects = [EVERYTHING, *(policy.subject for policy in world.policies)]
    for policy in world.policies:
        for space in world.namespaces:
            same = replace(policy, namespace=space.name, name="same", subject=changes.random.choice(subjects))
            pairs.append((world, PutPolicy(same)(world)))
    return changes.shuffled(pairs)


ASPECTS = (
    *(Aspect(field, _one_field) for field in sorted(FIELDS)),
    *(Aspect(kind, _long_list) for kind in LISTS),
    *(Aspect(kind, _other_order) for kind in LISTS),
    *(Aspect(field, _one_label_of_a_pod) for field in LABELS),
    *(Aspect(field, _one_label_of_a_namespace) for field in LABELS),
    Aspect("exceptions", _nested_exceptions),
    Aspect("policies", _many_policies),
    Aspect("labels", _many_labels),
    Aspect("rules", _same_rules),
)
