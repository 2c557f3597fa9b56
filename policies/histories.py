"""Generated histories: sequences of states of the base world that differ by few changes, or by one alone, and back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from random import Random
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policies import base_world, layouts, strategies
from policies.aspects import EDITS, Changes, Turns, addresses_of
from policies.edits import DeletePolicy, Edit, PutPolicy, RelabelNamespace, RelabelPod, apply_all
from policies.shapes import NAMED_PORT, SHAPES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from policies.families import Family
    from policies.model import World
    from policies.vocabularies import Vocabulary

History = tuple["World", ...]

CHOICES = 2**16  # bytes of a plan: some use a few thousand
RARELY = 16  # one state in 16 replaces a pod, which takes seconds; other changes take tenths of a second
OTHER_LAYOUT = 4  # one history in four has pods of another layout; to create them takes five seconds
SEEDS = st.integers(0, 2**32)
SEVERAL, ONE, BACK = "several", "one", "back"
WAYS = (SEVERAL, ONE, BACK, ONE, ONE, ONE)


@cache
def edits(family: Family, texts: Vocabulary, keys: tuple[str, ...]) -> st.SearchStrategy[Edit]:
    """One change; changes of policies are more frequent than changes of labels."""
    names = [ns.name for ns in base_world.NAMESPACES]
    put = st.builds(PutPolicy, strategies.policies(names, addresses_of(family), texts))
    relabel = st.builds(RelabelPod, st.sampled_from(keys), strategies.some_labels(texts))
    rename = st.builds(RelabelNamespace, st.sampled_from(names), strategies.some_labels(texts))
    delete = st.builds(DeletePolicy, st.integers(0, 3))
    return strategies.weighted((6, put), (1, delete), (2, relabel), (1, rename))


@dataclass(frozen=True)
class Plan:
    """What is drawn of a history.

    Attributes:
        texts: of its labels.
        layout: of its pods.
        first: the changes of its first state.
        later: the changes of each later state, if it has several.
        replaced: the pod that is replaced before each state; "" for none.
        seed: of the other choices.
    """

    texts: Vocabulary
    layout: int
    first: tuple[Edit, ...]
    later: tuple[tuple[Edit, ...], ...]
    replaced: tuple[str, ...]
    seed: int


@st.composite
def plans(draw: st.DrawFn, states: int, family: Family) -> Plan:
    """A plan of a history of some states, with blocks of addresses of a family."""
    texts = draw(strategies.vocabularies())
    layout = draw(strategies.weighted((OTHER_LAYOUT - 1, st.just(0)), (1, st.integers(1, layouts.LAYOUTS))))
    keys = (*base_world.KEYS, *(layouts.BESIDE if layout else ()))
    some = edits(family, texts, keys)
    relabel = st.builds(RelabelPod, st.sampled_from(keys), strategies.some_labels(texts))
    several = st.lists(some, min_size=1, max_size=3).map(tuple)
    nobody, anybody = st.just(""), st.sampled_from(base_world.KEYS)
    return Plan(
        texts,
        layout,
        first=(*draw(st.lists(relabel, max_size=4)), *draw(st.lists(some, min_size=4, max_size=9))),
        later=tuple(draw(several) for number in range(-(-states // WAYS.count(SEVERAL)))),
        replaced=tuple(draw(strategies.weighted((RARELY - 1, nobody), (1, anybody))) for _ in range(states)),
        seed=draw(SEEDS),
    )


def walk(plan: Plan, states: int, family: Family, edits: Turns, shapes: Turns) -> History:
    """A history: several changes of the base world, and in each later state several more, one, or the last one undone.

    Args:
        plan: what is drawn of it.
        states: number of states.
        family: of the addresses in blocks.
        edits: single changes to make in place; a history takes as many as it needs.
        shapes: what states with several changes have, too.
    """
    random = Random(plan.seed)  # noqa: S311 - choices
    ways = random.sample(WAYS, len(WAYS))
    changes, later = Changes(family, plan.texts, random), iter(plan.later)
    if plan.layout:  # its pods declare ports of their own
        shapes.waiting.appendleft(NAMED_PORT)
    result = changes.with_next(shapes, apply_all(layouts.build(plan.layout), plan.first), 2)[-1:]
    while len(result) < states:
        way, world = ways[len(result) % len(ways)], result[-1]
        if way == SEVERAL:
            result += changes.with_next(shapes, apply_all(world, next(later)), 2)[-1:]
        elif way == ONE:
            result += changes.with_next(edits, world, states - len(result))
        else:
            result.append(result[-2] if len(result) > 1 else world)
    return tuple(_replacing(result[:states], plan.replaced))


def histories(states: int, family: Family) -> st.SearchStrategy[History]:
    """Any history of some states, with blocks of addresses of a family."""

    def walked(plan: Plan) -> History:
        return walk(plan, states, family, *(Turns(every, Random(plan.seed)) for every in (EDITS, SHAPES)))  # noqa: S311

    return plans(states, family).map(walked)


def _replacing(states: Sequence[World], replaced: Sequence[str]) -> Iterator[World]:
    """The states, each with one pod of the next generation, or none; the pods keep it in later states."""
    generations = dict.fromkeys(base_world.KEYS, 0)
    for world, key in zip(states, replaced, strict=False):
        if key:
            generations[key] += 1
        yield replace(world, pods=tuple(replace(pod, generation=generations.get(pod.key, 0)) for pod in world.pods))


def generate(count: int, states: int, family: Family, number: int) -> list[History]:
    """Generate histories; the same seed gives the same ones.

    They take turns to make every single change, and to have every shape.

    Args:
        count: number of histories.
        states: number of states of each.
        family: of the addresses in blocks.
        number: the seed.
    """
    strategy = plans(states, family)
    random = Random(number)  # noqa: S311 - orders
    edits, shapes = (Turns(every, random) for every in (EDITS, SHAPES))
    return [walk(_drawn(strategy, number * count + each), states, family, edits, shapes) for each in range(count)]


def _drawn(strategy: st.SearchStrategy[Plan], number: int) -> Plan:
    """A plan that depends on the strategy and a number alone.

    Hypothesis draws constants of the modules that are imported, too, but not if it is given the bytes of its choices.
    """
    plans: list[Plan] = []

    @settings(database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(strategy)
    def collect(plan: Plan) -> None:
        plans.append(plan)

    choices = Random(number).randbytes(CHOICES)  # noqa: S311 - choices
    collect.hypothesis.fuzz_one_input(choices)  # type: ignore[attr-defined] # of every test of Hypothesis
    return plans[0]
