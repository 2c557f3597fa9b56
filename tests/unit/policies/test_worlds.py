"""Generated worlds: which lists, numbers, texts, combinations and updates they have, and which bugs they find."""

from __future__ import annotations

import io
import itertools
import subprocess
import sys
from collections import Counter
from contextlib import redirect_stdout
from dataclasses import replace
from functools import cache
from random import Random
from typing import TYPE_CHECKING

import pytest

from fixtures import paths
from policies import base_world, covering, serialization, stretching
from policies.aspects import Changes, addresses_of
from policies.families import Family, family_of, moved_into
from policies.histories import generate
from policies.model import EGRESS, EVERYTHING, INGRESS, Expression, IpBlock, PodPeer, Policy, PortRule, Rule, Selector
from policies.oracle import Query, reachability
from policies.translations import TRANSLATIONS
from policies.tweaks import FIELDS, Tweaks
from policies.validation import LONGEST_LABEL, LONGEST_NAME
from policies.vocabularies import PLAIN, VOCABULARIES
from tests.support.enforcement import Enforcement, Known
from tests.support.unlisted import OF_IPV6, UNLISTED, enabled

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from policies.histories import History
    from policies.model import World

SEED = 1  # of the random histories; with others, runs find all but a few of the mutants (decision 23)
QUERIES = [Query(*flow) for flow in base_world.ALL_FLOWS]
ADDRESS = base_world.MODEL_IPS[base_world.OUTSIDE][0]
KNOWN: Known = {}  # the histories below stay in memory
RICH = Policy(
    "x",
    "p",
    Selector((("pod", "a"),), (Expression("pod", "In", ("a", "b")), Expression("role", "Exists"))),
    frozenset({INGRESS, EGRESS}),
    (
        Rule((PodPeer(EVERYTHING, Selector((("pod", "a"),))), IpBlock("10.244.0.10/16", ("10.244.0.10/24",)))),
        Rule((IpBlock("10.244.0.10/24"),), (PortRule("tcp", 80, 81), PortRule("udp", "web"))),
        Rule((), (PortRule("tcp", 65535),)),
    ),
    (Rule((PodPeer(None, Selector((), (Expression("pod", "NotIn", ("a",)),))),), (PortRule("tcp", 80), PortRule())),),
)


@cache
def rows() -> list[History]:
    """The histories of the covering array."""
    return covering.histories(ADDRESS, 6)


@cache
def random_histories(seed: int = SEED, family: Family = Family.IPV4) -> list[History]:
    """The histories of a run on a cluster."""
    return generate(20, 6, family, seed)


def policies() -> Iterator[Policy]:
    """The policies of all generated worlds of one run."""
    for history in [*rows(), *random_histories()]:
        for world in history:
            yield from world.policies


def selectors(policy: Policy) -> Iterator[tuple[str, Selector]]:
    """The selectors of a policy, each with its place."""
    yield "subject", policy.subject
    for rule in (*policy.ingress, *policy.egress):
        for peer in rule.peers:
            if isinstance(peer, PodPeer):
                both = "beside the other" if None not in {peer.namespaces, peer.pods} else "alone"
                for name, selector in (("namespaces", peer.namespaces), ("pods", peer.pods)):
                    if selector is not None:
                        yield f"{name} {both}", selector


def lengths(policy: Policy) -> Iterator[tuple[str, int]]:
    """The lengths of the lists of a policy."""
    for _, selector in selectors(policy):
        yield "labels", len(selector.labels)
        yield "expressions", len(selector.expressions)
        yield from (("values", len(row.values)) for row in selector.expressions)
    for own in (policy.ingress, policy.egress):
        yield "rules", len(own)
        for rule in own:
            yield "peers", len(rule.peers)
            yield "ports", len(rule.ports)
            yield from (("exceptions", len(peer.exceptions)) for peer in rule.peers if isinstance(peer, IpBlock))


def wrong(histories: Iterable[History], family: Family = Family.IPV4) -> str:
    """The first flow that the engine treats otherwise than the oracle decides; "" if there is none."""
    queries = [replace(query, family=family) for query in QUERIES]
    for history in histories:
        engine = Enforcement(history[0].layout, KNOWN)
        for world in history:
            engine.apply(world)
            if found := next(engine.wrong(queries), ""):
                return found
    return ""


def test_the_engine_without_mutant_is_right_in_every_generated_world() -> None:
    """The oracle and the engine share no code."""
    assert wrong([*rows(), *random_histories()]) == ""


@pytest.mark.parametrize("name", sorted(UNLISTED))
def test_every_bug_that_no_list_has_is_found(name: str) -> None:
    """By the random histories of a run, or by the covering array."""
    family = Family.IPV6 if name in OF_IPV6 else Family.IPV4
    with enabled(name):
        found = wrong(random_histories(family=family), family) or (name not in OF_IPV6 and wrong(rows()))
    assert found, UNLISTED[name].__doc__


def test_lists_of_every_kind_have_every_length() -> None:
    """1, 2 and the lengths of long lists; a policy of the API has no other lists."""
    found = {pair for policy in policies() for pair in lengths(policy)}
    kinds = ("labels", "expressions", "values", "rules", "peers", "ports", "exceptions")
    assert {(kind, length) for kind in kinds for length in (1, 2, *stretching.LENGTHS)} <= found
    crowds = {
        count
        for history in rows()
        for world in history
        for count in Counter(policy.subject for policy in world.policies if policy.namespace == "x").values()
    }
    assert set(stretching.LENGTHS) <= crowds
    pods = {len(pod.labels) for history in rows() for world in history for pod in world.pods}
    assert max(pods) > max(stretching.LENGTHS) - 2


def test_every_operator_is_in_every_place() -> None:
    """In the subject, and in each selector of a peer, alone and beside the other one."""
    every = [pair for policy in policies() for pair in selectors(policy)]
    found = {(place, row.operator) for place, one in every for row in one.expressions}
    of_peers = itertools.product(("namespaces", "pods"), ("alone", "beside the other"))
    places = ("subject", *map(" ".join, of_peers))
    assert found == set(itertools.product(places, ("In", "NotIn", "Exists", "DoesNotExist")))


def test_numbers_are_edges_and_others() -> None:
    """Prefix lengths that are no whole octets, ports at the edges of their range, ranges of all widths."""
    every = [rule for policy in policies() for rule in (*policy.ingress, *policy.egress)]
    blocks = [peer for rule in every for peer in rule.peers if isinstance(peer, IpBlock)]
    prefixes = {int(block.cidr.partition("/")[2]) for block in blocks}
    cuts = {int(cut.partition("/")[2]) for block in blocks for cut in block.exceptions}
    ports = [port for rule in every for port in rule.ports]
    widths = {port.end - port.port for port in ports if port.end is not None and isinstance(port.port, int)}
    assert {0, 32} <= prefixes
    assert len({length for length in prefixes if length % 8}) > 10
    assert len({length for length in cuts if length % 8}) > 10
    assert {1, 1023, 32767, 65535} <= {port.port for port in ports}
    assert {port.end for port in ports} >= {65534, 65535}
    assert [any(low <= width < high for width in widths) for low, high in ((0, 1), (1, 9), (100, 9999), (9999, 65535))]


def test_every_vocabulary_is_used_and_allowed_by_the_api() -> None:
    """Texts at the limits of their lengths, which the API accepts."""
    found = {key for policy in policies() for _, one in selectors(policy) for key, _ in one.labels}
    assert any(len(key) == LONGEST_LABEL for key in found)
    assert any(len(policy.name) == LONGEST_NAME for policy in policies())
    for texts in VOCABULARIES.values():
        assert found & set(texts.keys)
    for policy in policies():
        assert serialization.read(serialization.write(policy)) == policy


def test_rules_share_peers_and_policies_share_rules() -> None:
    """Two rules with the same peers and other ports; two policies with the same rules."""
    rules = [pair for policy in policies() for pair in itertools.pairwise(policy.ingress)]
    assert sum(one.peers == other.peers and one.ports != other.ports for one, other in rules) > 10
    worlds = [world for history in [*rows(), *random_histories()] for world in history]
    pairs = [pair for world in worlds for pair in itertools.combinations(world.policies, 2)]
    assert sum(bool(one.ingress) and one.ingress == other.ingress for one, other in pairs) > 10


def single_fields(history: History) -> Iterator[str]:
    """The fields of policies that are the only change between two states."""
    tweaks = Changes(Family.IPV4, PLAIN, Random(1))  # noqa: S311 - choices
    for one, other in itertools.pairwise(history):
        changed = [(a, b) for a, b in zip(one.policies, other.policies, strict=False) if a != b]
        if len(changed) == 1 and len(one.policies) == len(other.policies):
            yield from (name for name, new in tweaks.of_policies(one).policy(changed[0][0]) if new == changed[0][1])


def single_labels(one: World, other: World) -> Iterator[tuple[str, int, bool]]:
    """The only change of labels between two states: kind of object, labels added, and whether it keeps its keys."""
    pods = [("pod", a.labels, b.labels) for a, b in zip(one.pods, other.pods, strict=True)]
    spaces = [("namespace", a.labels, b.labels) for a, b in zip(one.namespaces, other.namespaces, strict=True)]
    changed = [(kind, dict(before), dict(after)) for kind, before, after in (*pods, *spaces) if before != after]
    if len(changed) == 1 and one.policies == other.policies:
        ((kind, before, after),) = changed
        yield kind, len(after) - len(before), before.keys() == after.keys()


def test_every_field_and_every_label_is_updated_alone() -> None:
    """In one of three runs, in place; some states are those before the change again.

    Labels of one pod, and of one namespace, are removed, added, and get another key or another value.
    """
    histories = [*random_histories(), *random_histories(1), *random_histories(2)]
    assert {field for history in histories for field in single_fields(history)} == FIELDS
    triples = [three for history in histories for three in zip(history, history[1:], history[2:], strict=False)]
    assert sum(one.policies == last.policies != middle.policies for one, middle, last in triples) > 1
    found = {one for history in histories for pair in itertools.pairwise(history) for one in single_labels(*pair)}
    changes = ((-1, False), (1, False), (0, False), (0, True))
    assert {(kind, *change) for kind in ("pod", "namespace") for change in changes} <= found


def test_a_change_of_one_field_is_a_valid_policy_that_differs() -> None:
    """Every field of the API that a policy has; the API accepts the changed policies."""
    tweaks = Tweaks(PLAIN, addresses_of(Family.IPV4), (80, 65535))
    found = list(tweaks.policy(RICH))
    assert {name for name, _ in found} == FIELDS
    for name, policy in found:
        assert policy != RICH, name
        assert serialization.read(serialization.write(policy)) == policy, name


def test_changes_of_an_end_port_come_in_one_order() -> None:
    """The order of a set with None differs between processes, and a history would depend on more than its seed."""
    tweaks = Tweaks(PLAIN, addresses_of(Family.IPV4), (65535, 80, 32767))
    ends = [port.end for name, port in tweaks.port(PortRule("tcp", 80, 90)) if name == "endPort"]
    assert ends == [None, 80, 89, 91, 32767, 65535]


def test_a_history_does_not_depend_on_what_is_imported() -> None:
    """A case that is repeated alone has the histories of the whole run; Hypothesis looks at imported modules."""
    program = """
from policies import serialization
from policies.families import Family
from policies.histories import generate
for history in generate(40, 1, Family.IPV4, 5):
    for world in history:
        print(world.pods, world.namespaces, *(serialization.write(policy) for policy in world.policies))
"""
    alone = subprocess.run([sys.executable, "-c", program], cwd=paths.ROOT, capture_output=True, text=True, check=True)
    here = io.StringIO()
    with redirect_stdout(here):
        exec(program, {})  # noqa: S102 - the program above
    assert alone.stdout == here.getvalue()


@pytest.mark.parametrize("length", stretching.LENGTHS)
def test_a_long_list_decides_as_the_short_one(length: int) -> None:
    """Entries that are added match nothing new, except for exceptions."""
    base = base_world.build()
    kinds = Counter[str]()
    for kind, fill in stretching.lists(RICH):
        kinds[kind] += 1
        whole, cut = fill(stretching.Filling(length)), fill(stretching.Filling(length, cut=True))
        assert (kind, length) in lengths(whole)
        assert cut != whole
        if kind != "exceptions":
            for query in QUERIES[:4]:
                reached = [reachability(base.with_policies(one), query) for one in (RICH, whole)]
                assert (reached[0].must == reached[1].must).all(), kind
    assert set(kinds) == {"rules", "peers", "ports", "values", "expressions", "exceptions"}


def test_the_array_covers_every_combination_that_has_an_effect() -> None:
    """All pairs, and the triples of fields that interact."""
    coverage = covering.coverage(covering.array())
    assert coverage.pairs[0] == coverage.pairs[1] > 1500
    assert coverage.triples[0] == coverage.triples[1] > 300
    assert coverage.rows < 300
    assert covering.coverage(covering.array()[1:]).pairs[0] < coverage.pairs[1]


def test_a_choice_without_effect_covers_nothing() -> None:
    """A rule's peers in a policy without rules."""
    row = next(row for row in covering.array() if row["rules"] == "none")
    assert not any(field in {"peer", "pods", "port"} for one in covering.combinations_of(row) for field, _ in one)


@pytest.mark.parametrize("texts", TRANSLATIONS)
def test_other_texts_change_no_decision(texts: str) -> None:
    """Labels of a world and its selectors are translated alike."""
    for row in covering.array()[::9]:
        worlds = [covering.world({**row, "texts": name}, ADDRESS) for name in ("plain", texts)]
        reached = [reachability(world, Query("tcp", 80)).must for world in worlds]
        assert (reached[0] == reached[1]).all(), row


@pytest.mark.parametrize(
    ("cidr", "exception", "moved"),
    [
        ("10.244.1.7/24", "10.244.0.11/26", "10.244.1.11/26"),
        ("10.244.1.7/24", "10.244.1.11/26", "10.244.1.11/26"),
        ("0.0.0.0/0", "10.244.0.11/32", "10.244.0.11/32"),
        ("fd00:1::7/64", "fd00:2::b/127", "fd00:1::b/127"),
        ("10.0.0.0/8", "fd00::/64", "fd00::/64"),
    ],
)
def test_exceptions_stay_in_their_block(cidr: str, exception: str, moved: str) -> None:
    """Addresses of a cluster are not those of the model, and the API rejects an exception outside of its block."""
    assert moved_into(cidr, exception) == moved


def test_a_change_that_matters_is_chosen() -> None:
    """The decisions of the oracle differ before and after it."""
    changes = Changes(Family.IPV4, PLAIN, Random(1))  # noqa: S311 - choices
    bare = base_world.build()
    closed: World = bare.with_policies(Policy("x", "p"))
    assert changes.differ(bare, closed)
    assert not changes.differ(closed, replace(closed, policies=(Policy("x", "q"),)))
    assert all(family_of(address) is Family.IPV6 for address in addresses_of(Family.IPV6))
