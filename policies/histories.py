"""Generated histories: sequences of states of the base world that differ by few changes."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from policies import base_world, strategies
from policies.edits import DeletePolicy, Edit, PutPolicy, RelabelNamespace, RelabelPod, ReplacePod, apply_all
from policies.families import family_of

if TYPE_CHECKING:
    from policies.families import Family
    from policies.model import World

History = tuple["World", ...]

EXAMPLES = 2  # of a Hypothesis run; the first is always the smallest example
RARELY = 16  # one state in 16 replaces a pod, which takes seconds; other changes take tenths of a second


@cache
def edits(family: Family) -> st.SearchStrategy[Edit]:
    """One change; changes of policies are more frequent than changes of labels."""
    addresses = [ip for ips in base_world.MODEL_IPS.values() for ip in ips if family_of(ip) is family]
    names = [ns.name for ns in base_world.NAMESPACES]
    put = st.builds(PutPolicy, strategies.policies(names, addresses))
    relabel = st.builds(RelabelPod, st.sampled_from(base_world.KEYS), strategies.some_labels())
    rename = st.builds(RelabelNamespace, st.sampled_from(names), strategies.some_labels())
    delete = st.builds(DeletePolicy, st.integers(0, 3))
    return strategies.weighted((6, put), (1, delete), (2, relabel), (1, rename))


@st.composite
def histories(draw: st.DrawFn, states: int, family: Family) -> History:
    """A history: the first state has several changes of the base world, each later one a few more."""
    world = apply_all(base_world.build(), tuple(draw(st.lists(edits(family), min_size=4, max_size=10))))
    result = [world]
    while len(result) < states:
        world = apply_all(world, tuple(draw(st.lists(edits(family), min_size=1, max_size=3))))
        if draw(st.integers(1, RARELY)) == RARELY:
            world = ReplacePod(draw(st.sampled_from(base_world.KEYS)))(world)
        result.append(world)
    return tuple(result)


def generate(count: int, states: int, family: Family, number: int) -> list[History]:
    """Generate histories; the same seed gives the same ones.

    Each is the last example of a separate Hypothesis run: within a run most examples are variations of others.

    Args:
        count: number of histories.
        states: number of states of each.
        family: of the addresses in blocks.
        number: the seed.
    """
    return [_last(histories(states, family), number * count + each) for each in range(count)]


def _last(strategy: st.SearchStrategy[History], number: int) -> History:
    examples: list[History] = []

    @seed(number)
    @settings(
        max_examples=EXAMPLES,
        phases=(Phase.generate,),
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def collect(history: History) -> None:
        examples.append(history)

    collect()
    return examples[-1]
