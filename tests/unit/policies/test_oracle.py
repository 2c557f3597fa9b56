"""The oracle against the literal evaluator, its own explanations, and its own promises."""

from __future__ import annotations

import itertools
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies import serialization
from policies.ambiguities import OPEN, PROFILES, Ambiguity
from policies.explain import explain
from policies.model import INGRESS, PROTOCOLS, Host, Namespace, Pod, PodPeer, Policy, Rule, Selector, World
from policies.oracle import Decision, Path, Query, reach
from policies.strategies import PORTS, worlds
from tests.support.literal import verdicts

MANY = settings(max_examples=int(os.environ.get("NETPROOF_WORLDS", "150")), deadline=None)
QUERIES = st.builds(
    Query, st.sampled_from(PROTOCOLS), st.sampled_from(PORTS), st.sampled_from(Path), st.sampled_from((4, 6))
)
SOME_PROFILES = st.sampled_from(tuple(PROFILES.values()))
SAYS = {
    frozenset({True}): Decision.ALLOWED,
    frozenset({False}): Decision.DENIED,
    frozenset({True, False}): Decision.UNDEFINED,
}


@MANY
@given(worlds(), QUERIES, SOME_PROFILES)
def test_oracle_and_literal_evaluator_agree(world: World, query: Query, profile: dict[Ambiguity, bool]) -> None:
    """For every pair the sets give what the text gives when every open answer is tried."""
    found = reach(world, query, profile)
    known = {str(question): answer for question, answer in profile.items()}
    manifests = [serialization.write(policy) for policy in world.policies]
    for one, other in itertools.product(found.index.endpoints, repeat=2):
        said = SAYS[frozenset(verdicts(world, manifests, (one.key, other.key, query), known))]
        assert found.verdict(one.key, other.key) is said, f"{one.key} to {other.key}"


@MANY
@given(worlds(), QUERIES, SOME_PROFILES)
def test_explanations_explain_the_verdict(world: World, query: Query, profile: dict[Ambiguity, bool]) -> None:
    """The words for a flow belong to the verdict that the sets give it."""
    found = reach(world, query, profile)
    for one, other in itertools.product(found.index.endpoints, repeat=2):
        decision = explain(world, one.key, other.key, query, profile)
        assert decision.verdict is found.verdict(one.key, other.key), f"{one.key} to {other.key}: {decision}"
        assert decision.reasons


@MANY
@given(worlds(), QUERIES, st.randoms())
def test_order_of_policies_does_not_matter(world: World, query: Query, random: st.DataObject) -> None:
    """Policies add up, in whatever order they come (clause 3)."""
    shuffled = list(world.policies)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = reach(world, query), reach(world.with_policies(*shuffled), query)
    assert (one.least == other.least).all()
    assert (one.most == other.most).all()


@MANY
@given(worlds(), QUERIES, SOME_PROFILES)
def test_an_answer_only_decides(world: World, query: Query, profile: dict[Ambiguity, bool]) -> None:
    """A profile moves nothing between allowed and denied: it only decides what was undefined."""
    open_, closed = reach(world, query, OPEN), reach(world, query, profile)
    assert not (open_.least & ~closed.least).any()
    assert not (closed.most & ~open_.most).any()
    assert not (closed.least & ~closed.most).any()


@MANY
@given(worlds())
def test_manifests_say_what_policies_say(world: World) -> None:
    """Reading what was written gives the same policy."""
    for policy in world.policies:
        assert serialization.read(serialization.write(policy)) == policy


def test_a_world_without_policies_is_open() -> None:
    """Pods are open by default (clause 1)."""
    world = World(pods=())
    assert reach(world, Query("tcp", 80)).counts() == dict.fromkeys(Decision, 0)


def test_deciding_counts_every_pair() -> None:
    """Counts add up to all ordered pairs."""
    world = World(hosts=(Host("a", ("192.0.2.1",)), Host("b", ("192.0.2.2",))), policies=(Policy("x", "p"),))
    assert reach(world, Query("tcp", 80)).counts()[Decision.ALLOWED] == 4


@pytest.mark.parametrize("count", [1, 7, 8, 9, 2047, 2048, 2049])
def test_any_number_of_endpoints(count: int) -> None:
    """Rows of bits end anywhere in a byte, and are turned in blocks."""
    pods = tuple(
        Pod("x", f"p{n}", (("n", str(n)),), "node1", (f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}",)) for n in range(count)
    )
    first = Selector((("n", "0"),))
    last = Policy("x", "p", Selector((("n", str(count - 1)),)), frozenset({INGRESS}), (Rule((PodPeer(None, first),)),))
    found = reach(World((Namespace("x"),), pods, (last,)), Query("tcp", 80))
    assert found.verdict("x/p0", f"x/p{count - 1}") is Decision.ALLOWED
    assert found.counts()[Decision.DENIED] == max(0, count - 2)
