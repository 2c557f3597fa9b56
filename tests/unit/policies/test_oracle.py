"""The oracle agrees with the literal evaluator, with its explanations, and with the properties of NetworkPolicy."""

from __future__ import annotations

import itertools
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies import serialization
from policies.ambiguities import OPEN, PROFILES, Ambiguity
from policies.explain import explain
from policies.families import Family
from policies.model import INGRESS, PROTOCOLS, Host, Namespace, Pod, PodPeer, Policy, Rule, Selector, World
from policies.oracle import Decision, Path, Query, reachability
from policies.strategies import PORTS, worlds
from tests.support.literal import verdicts

MANY = settings(max_examples=int(os.environ.get("NETPROOF_WORLDS", "150")), deadline=None)
QUERIES = st.builds(
    Query, st.sampled_from(PROTOCOLS), st.sampled_from(PORTS), st.sampled_from(Path), st.sampled_from(Family)
)
SOME_PROFILES = st.sampled_from(tuple(PROFILES.values()))
DECISIONS = {
    frozenset({True}): Decision.ALLOWED,
    frozenset({False}): Decision.DENIED,
    frozenset({True, False}): Decision.UNDEFINED,
}


@MANY
@given(worlds(), QUERIES, SOME_PROFILES)
def test_oracle_and_literal_evaluator_agree(world: World, query: Query, profile: dict[Ambiguity, bool]) -> None:
    """For every pair the sets decide as the evaluator does over all answers to ambiguities."""
    reached = reachability(world, query, profile)
    known = {str(ambiguity): answer for ambiguity, answer in profile.items()}
    manifests = [serialization.write(policy) for policy in world.policies]
    for one, other in itertools.product(reached.index.endpoints, repeat=2):
        decision = DECISIONS[frozenset(verdicts(world, manifests, (one.key, other.key, query), known))]
        assert reached.decision(one.key, other.key) is decision, f"{one.key} to {other.key}"


@MANY
@given(worlds(), QUERIES, SOME_PROFILES, st.randoms())
def test_properties_hold(world: World, query: Query, profile: dict[Ambiguity, bool], random: st.DataObject) -> None:
    """All properties are checked on the same worlds: to generate a world takes longer than to check it."""
    require_explanations_with_the_decision_of_the_sets(world, query, profile)
    require_the_same_decisions_in_any_order(world, query, random)
    require_a_profile_to_resolve_ambiguities_only(world, query, profile)
    require_written_policies_to_be_read_back(world)


def require_explanations_with_the_decision_of_the_sets(
    world: World, query: Query, profile: dict[Ambiguity, bool]
) -> None:
    """For every pair the explanation has the decision of the reachability, and reasons."""
    reached = reachability(world, query, profile)
    for one, other in itertools.product(reached.index.endpoints, repeat=2):
        explanation = explain(world, one.key, other.key, query, profile)
        assert explanation.decision is reached.decision(one.key, other.key), f"{one.key} to {other.key}: {explanation}"
        assert explanation.reasons


def require_the_same_decisions_in_any_order(world: World, query: Query, random: st.DataObject) -> None:
    """Policies add up, in whatever order they come (clause 3)."""
    shuffled = list(world.policies)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = reachability(world, query), reachability(world.with_policies(*shuffled), query)
    assert (one.must == other.must).all()
    assert (one.may == other.may).all()


def require_a_profile_to_resolve_ambiguities_only(world: World, query: Query, profile: dict[Ambiguity, bool]) -> None:
    """A profile moves nothing between allowed and denied: it only decides what is undefined."""
    without, with_ = reachability(world, query, OPEN), reachability(world, query, profile)
    assert not (without.must & ~with_.must).any()
    assert not (with_.may & ~without.may).any()
    assert not (with_.must & ~with_.may).any()


def require_written_policies_to_be_read_back(world: World) -> None:
    """A policy that is written and read is the same."""
    for policy in world.policies:
        assert serialization.read(serialization.write(policy)) == policy


def test_a_world_without_policies_is_open() -> None:
    """Pods are open by default (clause 1)."""
    world = World(pods=())
    assert reachability(world, Query("tcp", 80)).counts() == dict.fromkeys(Decision, 0)


def test_deciding_counts_every_pair() -> None:
    """Counts add up to all ordered pairs."""
    world = World(hosts=(Host("a", ("192.0.2.1",)), Host("b", ("192.0.2.2",))), policies=(Policy("x", "p"),))
    assert reachability(world, Query("tcp", 80)).counts()[Decision.ALLOWED] == 4


@pytest.mark.parametrize("count", [1, 7, 8, 9, 2047, 2048, 2049])
def test_any_number_of_endpoints(count: int) -> None:
    """Rows end at any bit of a byte, and are transposed in blocks."""
    pods = tuple(
        Pod("x", f"p{n}", (("n", str(n)),), "node1", (f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}",)) for n in range(count)
    )
    first = Selector((("n", "0"),))
    last = Policy("x", "p", Selector((("n", str(count - 1)),)), frozenset({INGRESS}), (Rule((PodPeer(None, first),)),))
    reached = reachability(World((Namespace("x"),), pods, (last,)), Query("tcp", 80))
    assert reached.decision("x/p0", f"x/p{count - 1}") is Decision.ALLOWED
    assert reached.counts()[Decision.DENIED] == max(0, count - 2)
