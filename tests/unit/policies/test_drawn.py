"""What generated states have, by area: every class of a quantity is counted, or listed as not drawn."""

from __future__ import annotations

from dataclasses import replace

import pytest

from policies import base_world, changed_fields, drawn, features
from policies.drawn import EDITS, LISTS, NUMBERS, PODS, TEXTS
from policies.families import Family
from policies.histories import generate
from policies.model import (
    EGRESS,
    EVERYTHING,
    INGRESS,
    Expression,
    IpBlock,
    PodPeer,
    Policy,
    PortRule,
    Rule,
    Selector,
    World,
)

PEER = PodPeer(None, Selector((("pod", "a"),)))
RULE = Rule((PEER, IpBlock("10.0.0.0/8", ("10.1.0.0/16",))), (PortRule("tcp", 80, 81), PortRule("tcp", 81, 90)))
POLICY = Policy("x", "p", EVERYTHING, frozenset({INGRESS}), (RULE,))


def quantities(*history: World) -> dict[tuple[str, str], drawn.Quantity]:
    """What a history has, by area and quantity."""
    return {(one.area, one.name): one for one in drawn.measure([history], Family.IPV4)}


def test_lengths_and_numbers_are_counted_by_class() -> None:
    """A class counts the states that have it, and a quantity its distinct values."""
    base = base_world.build()
    found = quantities(base.with_policies(POLICY), base.with_policies(POLICY, replace(POLICY, name="q")))
    ports = found[LISTS, "ports of a rule"]
    assert (ports.values, ports.states, ports.drawn) == (1, 2, {"2": 2})
    assert ports.missing == ("1", "3-4", "5-8", "9-16", "17-32", "33 or more")
    assert found[LISTS, "policies that select a pod"].drawn == {"1": 1, "2": 1}
    assert found[NUMBERS, "prefix length (ipv4)"].drawn == {"8": 2}
    assert found[NUMBERS, "prefix length of an exception (ipv4)"].drawn == {"16": 2}
    assert found[NUMBERS, "ports of a range"].drawn == {"2-9": 2, "10-999": 2}
    assert found[drawn.COMBINATIONS, "two ports of a rule"].drawn == {"overlapping ranges": 2}
    assert found[drawn.COMBINATIONS, "two policies"].drawn == {
        "same rules": 1,
        "one podSelector in one namespace": 1,
        "a common peer in one namespace": 1,
    }
    assert found[PODS, "pods"].missing == ("terminating", "finished", "host network", "replaced")


def test_texts_that_are_alike_are_found() -> None:
    """Keys that differ by case, by an end or a prefix, and one text for two things."""
    rows = tuple(Expression(key, "Exists") for key in ("Pod", "my.pod", "my-pod", "example.com/pod", "x", "web"))
    policy = replace(POLICY, subject=Selector((), (*rows, Expression("pod", "In", ("", "1.0")))))
    found = quantities(base_world.build().with_policies(policy))
    assert set(found[TEXTS, "keys of labels"].drawn) == {
        *("differ by case", "one ends the other", "dot or hyphen", "differ by prefix and slash"),
    }
    assert {"empty", "like a number"} <= set(found[TEXTS, "values of labels"].drawn)
    assert set(found[TEXTS, "one text"].drawn) == {"key and value", "key and namespace", "key and name of a port"}


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        (replace(POLICY, types=frozenset({INGRESS, EGRESS})), "policyTypes"),
        (replace(POLICY, ingress=(replace(RULE, ports=RULE.ports[:1]),)), "number of ports"),
        (replace(POLICY, ingress=(replace(RULE, ports=RULE.ports[::-1]),)), "order of ports"),
        (replace(POLICY, ingress=(replace(RULE, peers=(PEER, IpBlock("10.0.0.0/8"))),)), "number of except"),
        (replace(POLICY, subject=Selector((("pod", "a"),))), "matchLabels: label added"),
        (replace(POLICY, ingress=()), "number of ingress"),
        (replace(POLICY, ingress=(RULE,), egress=(Rule(),), types=frozenset({INGRESS, EGRESS})), ""),
        (replace(POLICY, name="q"), ""),
    ],
)
def test_the_field_that_an_edit_changes_alone_is_named(changed: Policy, field: str) -> None:
    """By the names of the API; an edit of several fields, or a policy that is recreated, counts for none."""
    base = base_world.build()
    before, after = base.with_policies(POLICY), base.with_policies(changed)
    edit = changed_fields.between(before, after)
    assert (edit.kind if edit else "") == field
    found = quantities(before, after, before)
    assert sum(found[EDITS, "policy"].drawn.values()) == (2 if field else 0)
    assert found[EDITS, "changed back"].drawn == ({"policy": 1} if field else {})


def test_every_class_that_is_found_is_one_of_all_classes() -> None:
    """Otherwise a gap would not be listed; policies that are created or deleted are no edits of a field."""
    histories = generate(4, 6, Family.IPV4, 1) + generate(4, 6, Family.IPV6, 2)
    every = {(name, kind) for family in Family for area in drawn.classes(family).values()
             for name, kinds in area.items() for kind in kinds}  # fmt: skip
    found = {(one.quantity, one.kind) for history in histories for one in drawn.features_of(history)}
    assert found - every <= {("policy", "created or deleted")}
    assert features.class_of(33, features.LENGTHS) == "33 or more"
    assert features.class_of(0, features.LENGTHS) == ""
