"""Generated histories of the stage: states that follow each other by few changes."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from policies import base_world, strategies
from policies.edits import DeletePolicy, Edit, PutPolicy, RelabelNamespace, RelabelPod, ReplacePod, follow
from policies.families import family_of

if TYPE_CHECKING:
    from policies.families import Family
    from policies.model import World

History = tuple["World", ...]

EXAMPLES = 2  # of a run; the first is always the smallest there is
RARELY = 16  # one state in so many has a new pod, which takes seconds where other changes take tenths


@cache
def edits(family: Family) -> st.SearchStrategy[Edit]:
    """One change; policies more often than labels."""
    addresses = [ip for ips in base_world.ON_PAPER.values() for ip in ips if family_of(ip) is family]
    names = [ns.name for ns in base_world.NAMESPACES]
    put = st.builds(PutPolicy, strategies.policies(names, addresses))
    relabel = st.builds(RelabelPod, st.sampled_from(base_world.KEYS), strategies.some_labels())
    rename = st.builds(RelabelNamespace, st.sampled_from(names), strategies.some_labels())
    delete = st.builds(DeletePolicy, st.integers(0, 3))
    return strategies.weighted((6, put), (1, delete), (2, relabel), (1, rename))


@st.composite
def histories(draw: st.DrawFn, states: int, family: Family) -> History:
    """States of the stage on paper; the first has some changes already, each later one few more."""
    world = follow(base_world.build(), tuple(draw(st.lists(edits(family), min_size=4, max_size=10))))
    result = [world]
    while len(result) < states:
        world = follow(world, tuple(draw(st.lists(edits(family), min_size=1, max_size=3))))
        if draw(st.integers(1, RARELY)) == RARELY:
            world = ReplacePod(draw(st.sampled_from(base_world.KEYS)))(world)
        result.append(world)
    return tuple(result)


def generate(count: int, states: int, family: Family, number: int) -> list[History]:
    """So many histories, the same for the same number.

    Each is the last example of a run of Hypothesis of its own: within a run most examples are variations of others.

    Args:
        count: of histories.
        states: of each.
        family: of the addresses in blocks.
        number: the seed.
    """
    return [_last(histories(states, family), number * count + each) for each in range(count)]


def _last(strategy: st.SearchStrategy[History], number: int) -> History:
    found: list[History] = []

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
        found.append(history)

    collect()
    return found[-1]
