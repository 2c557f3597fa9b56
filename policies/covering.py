"""A covering array over the fields of a NetworkPolicy: every pair of choices of two fields is in some state.

Fields that interact are covered three at a time (TRIPLES).  A combination counts in rows where all of its choices have
an effect only: a peer has none in a policy without rules.  Fields and choices follow the API; mutually exclusive ones
are one field: an ipBlock has no selectors.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from functools import cache
from random import Random
from typing import TYPE_CHECKING

from policies import layouts
from policies.families import family_of
from policies.model import (
    EGRESS,
    EVERYTHING,
    INGRESS,
    PROTOCOLS,
    Expression,
    IpBlock,
    PodPeer,
    Policy,
    PortRule,
    Rule,
    Selector,
)
from policies.stretching import LENGTHS, Filling, lists, many_labels
from policies.translations import TRANSLATIONS, translated

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from policies.model import Labels, Peer, Protocol, World

# Labels beside those of the base world, so that objects have a key, lack it, or have it with an empty value.
APPS = {"x/a": "shop", "x/c": "", "y/a": "shop"}
TEAMS = {"x": "blue", "z": ""}
SELECTORS = {
    "empty": EVERYTHING,
    "label": Selector((("pod", "a"),)),
    "two-labels": Selector((("app", "shop"), ("pod", "a"))),
    "in": Selector((), (Expression("pod", "In", ("a", "b")),)),
    "in-empty": Selector((), (Expression("app", "In", ("",)),)),
    "not-in": Selector((), (Expression("app", "NotIn", ("shop",)),)),
    "exists": Selector((), (Expression("app", "Exists"),)),
    "does-not-exist": Selector((), (Expression("app", "DoesNotExist"),)),
    "label-and-expression": Selector((("pod", "b"),), (Expression("app", "DoesNotExist"),)),
    "one-key-twice": Selector((), (Expression("pod", "NotIn", ("a",)), Expression("pod", "NotIn", ("b",)))),
    "nobody": Selector((("pod", "nobody"),)),
}
NAMESPACES = {
    "none": None,
    "empty": EVERYTHING,
    "label": Selector((("ns", "y"),)),
    "in": Selector((), (Expression("ns", "In", ("y",)),)),
    "not-in": Selector((), (Expression("team", "NotIn", ("blue",)),)),
    "exists": Selector((), (Expression("team", "Exists"),)),
    "does-not-exist": Selector((), (Expression("team", "DoesNotExist"),)),
    "one-key-twice": Selector((), (Expression("ns", "NotIn", ("x",)), Expression("ns", "NotIn", ("z",)))),
    "by-name": Selector((("kubernetes.io/metadata.name", "y"),)),
}
NOTHING = "-"  # the choice of a field that has no effect in a row
WITH_RULES = ("one", "two", "same-peers")
WITH_SELECTORS = ("selectors", "selectors-and-block")
WITH_EXCEPTIONS = ("block-except", "block-everything", "exception-in-exception")
# Two policies beside each other tell no more with these subjects than with the others.
OF_PEERS_ONLY = ("in-empty", "label-and-expression", "nobody")
FIELDS: Mapping[str, tuple[str, ...]] = {
    "direction": ("ingress", "egress", "both", "both-without-ingress", "both-without-egress"),
    "subject": tuple(name for name in SELECTORS if name not in OF_PEERS_ONLY),
    "rules": ("none", "empty", *WITH_RULES),
    "peer": ("none", "block", *WITH_EXCEPTIONS, *WITH_SELECTORS),
    "namespaces": tuple(NAMESPACES),
    "pods": ("absent", *SELECTORS),
    "port": ("none", "protocol", "number", "range", "name", "two", "number-and-name", "first", "last", "wide"),
    "protocol": PROTOCOLS,
    "beside": ("nothing", "deny-all", "allow-all", "same-again", "other-direction"),
    "texts": tuple(TRANSLATIONS),
    "list": ("short", "rules", "peers", "ports", "values", "expressions", "exceptions", "policies", "labels"),
    "length": tuple(map(str, LENGTHS)),
}
TRIPLES = (
    ("direction", "rules", "beside"),
    ("direction", "rules", "peer"),
    ("direction", "port", "protocol"),
)
# These are no fields of the API: they meet the fields that they change.
NEIGHBOURS = {
    "length": {"list"},
    "list": {"length", "direction"},
    "texts": {"subject", "namespaces", "pods", "port"},
}
CANDIDATES = 4  # for each row: more make a smaller array, and take longer

Row = dict[str, str]
Combination = tuple[tuple[str, str], ...]  # choices by field, in the order of FIELDS


@dataclass(frozen=True)
class Coverage:
    """Number of combinations of choices that a list of rows covers, and number of all that have an effect.

    Attributes:
        rows: number of rows.
        pairs: pairs of choices of two fields: covered, and all.
        triples: triples of choices of three fields that interact: covered, and all.
    """

    rows: int
    pairs: tuple[int, int]
    triples: tuple[int, int]

    def __str__(self) -> str:
        pairs, triples = (
            f"{covered} of {total} {what} ({100 * covered // total} %)"
            for (covered, total), what in ((self.pairs, "pairs"), (self.triples, "triples"))
        )
        return f"{self.rows} states with {pairs} and {triples} of choices"


@cache
def groups() -> tuple[tuple[str, ...], ...]:
    """The fields that are covered together: all pairs, and some triples."""
    pairs = itertools.combinations(FIELDS, 2)
    every = frozenset(FIELDS)
    met = (
        pair
        for pair in pairs
        if pair[0] in NEIGHBOURS.get(pair[1], every) and pair[1] in NEIGHBOURS.get(pair[0], every)
    )
    return (*met, *TRIPLES)


def effective(row: Row) -> Row:
    """A row with NOTHING in place of the choices that have no effect beside the others; absent fields stay absent."""
    result = dict(row)

    def idle(unless: str, choices: Sequence[str], *fields: str) -> None:
        if unless in result and result[unless] not in choices:
            result.update({field: NOTHING for field in fields if field in result})

    idle("rules", WITH_RULES, "peer", "port")
    idle("peer", WITH_SELECTORS, "namespaces", "pods")
    idle("port", FIELDS["port"][1:], "protocol")
    if result.get("namespaces") == "none" and result.get("pods") == "absent":  # it would be an empty peer
        result["pods"] = NOTHING
    if result.get("list") == "short":
        result["length"] = NOTHING
    return result


NEEDS: Mapping[str, Row] = {  # choices of other fields with which a field, or a list, has an effect
    "peer": {"rules": "one"},
    "port": {"rules": "one"},
    "namespaces": {"rules": "one", "peer": "selectors"},
    "pods": {"rules": "one", "peer": "selectors"},
    "protocol": {"rules": "one", "port": "number"},
}
LISTS: Mapping[str, Row] = {
    "rules": {"rules": "one"},
    "peers": {"rules": "one", "peer": "selectors"},
    "ports": {"rules": "one", "port": "number"},
    "values": {"rules": "one", "peer": "selectors", "pods": "in"},
    "expressions": {"rules": "one", "peer": "selectors", "pods": "not-in"},
    "exceptions": {"rules": "one", "peer": "block-except"},
}


def completed(combination: Combination) -> Row | None:
    """A row with a combination and the choices with which it has an effect; None if they exclude each other."""
    row = dict(combination)
    needs = [NEEDS.get(field, {}) for field in row] + [LISTS.get(row.get("list", ""), {})]
    for need in needs:
        for field, choice in need.items():
            row.setdefault(field, choice)
    return row if _keeps(row, combination) else None


def _keeps(row: Row, combination: Combination) -> bool:
    """Whether the choices of a combination have an effect in a row."""
    chosen = effective(row)
    return all(chosen[field] == choice for field, choice in combination) and _has_list(row)


def _has_list(row: Row) -> bool:
    """Whether the policy of a row, as far as it is chosen, has the list that is to be long."""
    policy_lists = row.get("list", "short")
    if policy_lists in LISTS:
        full = {name: row.get(name, choices[0]) for name, choices in FIELDS.items()}
        return any(kind == policy_lists for policy in _main(full, "192.0.2.1") for kind, _ in lists(policy))
    return True


@cache
def combinations() -> frozenset[Combination]:
    """All combinations of choices that can have an effect together."""
    every = (
        tuple(zip(group, choices, strict=True))
        for group in groups()
        for choices in itertools.product(*(FIELDS[field] for field in group))
    )
    return frozenset(combination for combination in every if completed(combination) is not None)


def combinations_of(row: Row) -> set[Combination]:
    """The combinations of a row, as far as its fields are chosen."""
    chosen = effective(row)
    if not _has_list(row):
        chosen["list"] = chosen["length"] = NOTHING
    return {
        tuple((field, chosen[field]) for field in group)
        for group in groups()
        if all(chosen.get(field, NOTHING) != NOTHING for field in group)
    }


def coverage(rows: Sequence[Row]) -> Coverage:
    """The coverage of rows."""
    covered = set().union(*(combinations_of(row) for row in rows)) & combinations()

    def count(size: int) -> tuple[int, int]:
        return sum(len(one) == size for one in covered), sum(len(one) == size for one in combinations())

    return Coverage(len(rows), count(2), count(3))


@cache
def array() -> tuple[Row, ...]:
    """Rows that cover all combinations, deterministic: each is the one of some greedy candidates that covers most."""
    random = Random(1)  # noqa: S311 - for ties
    missing = set(combinations())
    rows: list[Row] = []
    while missing:
        first, *others = sorted(missing, key=lambda one: (-len(one), one))
        seeds = [first, *(random.choice(others or [first]) for _ in range(CANDIDATES - 1))]
        candidates = [_greedy(one, missing, random) for one in seeds]
        rows.append(max(candidates, key=lambda row: len(combinations_of(row) & missing)))
        missing -= combinations_of(rows[-1])
    return tuple(rows)


def _greedy(first: Combination, missing: set[Combination], random: Random) -> Row:
    """A row with a combination; its other fields, in random order, have the choices that cover most."""
    row = completed(first) or {}
    for name in random.sample([name for name in FIELDS if name not in row], len(FIELDS) - len(row)):
        kept = [{**row, name: choice} for choice in FIELDS[name] if _keeps({**row, name: choice}, first)]
        gains = [_gain(candidate, name, missing) for candidate in kept]
        row = random.choice([one for one, gain in zip(kept, gains, strict=True) if gain == max(gains)])
    return {name: row[name] for name in FIELDS}


def _gain(row: Row, name: str, missing: set[Combination]) -> int:
    """How many missing combinations a row covers, of those with one of its fields."""
    chosen = effective(row)
    return sum(
        tuple((field, chosen[field]) for field in group) in missing
        for group in groups()
        if name in group and all(chosen.get(field, NOTHING) != NOTHING for field in group)
    )


def world(row: Row, address: str, layout: int = 0) -> World:
    """The base world with the policies of a row.

    Args:
        row: the choices.
        address: the one that ipBlocks match: of the external host.
        layout: of the pods.
    """
    bare = layouts.build(layout)
    many = many_labels(int(row["length"]) - 2) if row["list"] == "labels" else ()
    pods = tuple(replace(pod, labels=_with(pod.labels, "app", APPS.get(pod.key), many)) for pod in bare.pods)
    spaces = tuple(replace(ns, labels=_with(ns.labels, "team", TEAMS.get(ns.name))) for ns in bare.namespaces)
    full = replace(bare, pods=pods, namespaces=spaces).with_policies(*_policies(row, address))
    return translated(full, TRANSLATIONS[row["texts"]])


def histories(address: str, states: int) -> list[tuple[World, ...]]:
    """The worlds of the array in histories of some states, each with one of the TRANSLATIONS: labels change rarely.

    Args:
        address: the one that ipBlocks match: of the external host.
        states: the most states of a history.
    """
    alike = sorted(array(), key=lambda row: (row["texts"], row["list"] == "labels"))
    groups = (list(rows) for _, rows in itertools.groupby(alike, key=lambda row: row["texts"]))
    return [
        tuple(world(row, address) for row in rows[start : start + states])
        for rows in groups
        for start in range(0, len(rows), states)
    ]


def _with(some: Labels, key: str, value: str | None, more: Labels = ()) -> Labels:
    """Labels with one more, unless its value is None, and with a list of others."""
    return tuple(sorted((*some, *(() if value is None else ((key, value),)), *more)))


def _main(row: Row, address: str) -> Iterator[Policy]:
    """The policy of a row with short lists."""
    rules = _rules(row, address)
    types = frozenset({"ingress": {INGRESS}, "egress": {EGRESS}}.get(row["direction"], {INGRESS, EGRESS}))
    ingress = rules if INGRESS in types and row["direction"] != "both-without-ingress" else ()
    egress = rules if EGRESS in types and row["direction"] != "both-without-egress" else ()
    yield Policy("x", "main", SELECTORS[row["subject"]], types, ingress, egress)


def _policies(row: Row, address: str) -> Iterator[Policy]:
    (main,) = _main(row, address)
    types, long, length = main.types, row["list"], int(row["length"])
    if long == "labels":
        main = replace(
            main, subject=Selector((*main.subject.labels, *many_labels(length - 2)), main.subject.expressions)
        )
    for kind, fill in lists(main):
        if kind == long:
            main = fill(Filling(length))
            break
    if long == "policies":
        yield from (Policy("x", f"long-{number:02}", main.subject, types) for number in range(1, length))
    yield main
    turned = frozenset({EGRESS}) if types == {INGRESS} else frozenset({INGRESS})
    rules = main.ingress or main.egress
    beside = {
        "deny-all": Policy("x", "beside", EVERYTHING, types),
        "allow-all": Policy("x", "beside", SELECTORS["in"], types, (Rule(),), (Rule(),)),
        "same-again": Policy("y", "main", main.subject, types, main.ingress, main.egress),
        "other-direction": Policy("x", "beside", main.subject, turned, rules, rules),
    }
    if row["beside"] in beside:
        yield beside[row["beside"]]


def _rules(row: Row, address: str) -> tuple[Rule, ...]:
    rule = Rule(_peers(row, address), _ports(row))
    second = Rule((PodPeer(None, SELECTORS["label"]),), (PortRule("tcp", 82),))
    again = replace(rule, ports=(PortRule("udp", 82),))
    return {"none": (), "empty": (Rule(),), "one": (rule,), "two": (rule, second), "same-peers": (rule, again)}[
        row["rules"]
    ]


def _peers(row: Row, address: str) -> tuple[Peer, ...]:
    namespaces = NAMESPACES[row["namespaces"]]
    chosen = None if row["pods"] == "absent" else SELECTORS[row["pods"]]
    by_selectors = PodPeer(namespaces, chosen if namespaces is not None or chosen is not None else EVERYTHING)
    family = family_of(address)
    length, all_ = family.bits, family.everything
    block, wide = IpBlock(f"{address}/{length}"), f"{address}/{length - 6}"
    peers: dict[str, tuple[Peer, ...]] = {
        "none": (),
        "selectors": (by_selectors,),
        "block": (block,),
        "block-except": (IpBlock(f"{address}/{length - 8}", (block.cidr,)),),
        "block-everything": (IpBlock(all_, (f"{address}/{length - 1}",)),),
        "exception-in-exception": (IpBlock(all_, (wide, block.cidr)),),
        "selectors-and-block": (replace(by_selectors, namespaces=NAMESPACES["exists"]), block, by_selectors),
    }
    return peers[row["peer"]]


def _ports(row: Row) -> tuple[PortRule, ...]:
    protocol = next(known for known in PROTOCOLS if known == row["protocol"])
    other: Protocol = "udp" if protocol == "tcp" else "tcp"
    return {
        "none": (),
        "protocol": (PortRule(protocol),),
        "number": (PortRule(protocol, 80),),
        "range": (PortRule(protocol, 81, 82),),
        "name": (PortRule(protocol, "web"),),
        "two": (PortRule(protocol, 80), PortRule(other, 80)),
        "number-and-name": (PortRule(other, 81), PortRule(protocol, "alt"), PortRule(protocol, "web")),
        "first": (PortRule(protocol, 1),),
        "last": (PortRule(protocol, 32767), PortRule(protocol, 65535)),
        "wide": (PortRule(protocol, 80, 82), PortRule(protocol, 81, 65535)),
    }[row["port"]]
