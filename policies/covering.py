"""A pairwise covering array over the fields of a NetworkPolicy: every pair of choices of two fields is in some state.

Fields and choices follow the API; mutually exclusive choices are one field: an ipBlock has no selectors.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from policies import base_world
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

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from policies.model import Peer, World

POD = ("a", "b")
SELECTORS = {
    "empty": EVERYTHING,
    "label": Selector((("pod", "a"),)),
    "two-labels": Selector((("app", "shop"), ("pod", "a"))),
    "in": Selector((), (Expression("pod", "In", POD),)),
    "not-in": Selector((), (Expression("pod", "NotIn", ("a",)),)),
    "exists": Selector((), (Expression("app", "Exists"),)),
    "does-not-exist": Selector((), (Expression("app", "DoesNotExist"),)),
    "label-and-expression": Selector((("pod", "b"),), (Expression("app", "Exists"),)),
    "nobody": Selector((("pod", "nobody"),)),
}
NAMESPACES = {
    "none": None,
    "empty": EVERYTHING,
    "label": Selector((("ns", "y"),)),
    "not-in": Selector((), (Expression("ns", "NotIn", ("x",)),)),
    "by-name": Selector((("kubernetes.io/metadata.name", "y"),)),
}
FIELDS: Mapping[str, tuple[str, ...]] = {
    "direction": ("ingress", "egress", "both"),
    "subject": tuple(SELECTORS),
    "rules": ("none", "empty", "one", "two"),
    "peer": ("none", "selectors", "block", "block-except", "block-everything", "selectors-and-block"),
    "namespaces": tuple(NAMESPACES),
    "pods": ("absent", *SELECTORS),
    "port": ("none", "protocol", "number", "range", "name", "two", "number-and-name"),
    "protocol": PROTOCOLS,
    "beside": ("nothing", "deny-all", "allow-all", "same-again", "other-direction"),
}

Row = dict[str, str]
Pair = tuple[tuple[str, str], tuple[str, str]]


@dataclass(frozen=True)
class Coverage:
    """Number of pairs of choices that a list of rows covers, and number of all pairs."""

    covered: int
    total: int

    def __str__(self) -> str:
        return f"{self.covered} of {self.total} pairs of choices ({100 * self.covered // self.total} %)"


def pairs() -> set[Pair]:
    """All pairs of choices of two fields."""
    return {
        ((one, choice), (other, another))
        for one, other in itertools.combinations(FIELDS, 2)
        for choice in FIELDS[one]
        for another in FIELDS[other]
    }


def pairs_of(row: Row) -> set[Pair]:
    """The pairs of choices of a row."""
    return {((one, row[one]), (other, row[other])) for one, other in itertools.combinations(FIELDS, 2)}


def coverage(rows: Sequence[Row]) -> Coverage:
    """The coverage of rows."""
    return Coverage(len(set().union(*(pairs_of(row) for row in rows))), len(pairs()))


def array() -> list[Row]:
    """Rows that cover all pairs, deterministic: each row greedily covers as many missing pairs as it can."""
    missing = pairs()
    rows: list[Row] = []
    while missing:
        row: Row = {}
        (one, choice), (other, another) = min(missing)
        row[one], row[other] = choice, another
        for name in FIELDS:
            if name not in row:
                row[name] = max(FIELDS[name], key=lambda candidate: _gain(row, name, candidate, missing))
        row = {name: row[name] for name in FIELDS}
        missing -= pairs_of(row)
        rows.append(row)
    return rows


def _gain(row: Row, name: str, candidate: str, missing: set[Pair]) -> int:
    order = list(FIELDS)
    gained = 0
    for other, choice in row.items():
        first, second = sorted(((name, candidate), (other, choice)), key=lambda pair: order.index(pair[0]))
        gained += (first, second) in missing
    return gained


def world(row: Row, address: str) -> World:
    """The base world with the policies of a row.

    Args:
        row: the choices.
        address: the one that ipBlocks match: of the external host.
    """
    bare = base_world.build()
    shop = {"x/a", "x/b", "y/b"}
    pods = tuple(replace(pod, labels=(("app", "shop"), *pod.labels)) if pod.key in shop else pod for pod in bare.pods)
    return replace(bare, pods=pods).with_policies(*_policies(row, address))


def _policies(row: Row, address: str) -> Iterator[Policy]:
    rules = _rules(row, address)
    types = frozenset({"ingress": {INGRESS}, "egress": {EGRESS}, "both": {INGRESS, EGRESS}}[row["direction"]])
    main = Policy(
        "x",
        "main",
        SELECTORS[row["subject"]],
        types,
        rules if INGRESS in types else (),
        rules if EGRESS in types else (),
    )
    yield main
    turned = frozenset({EGRESS}) if types == {INGRESS} else frozenset({INGRESS})
    beside = {
        "deny-all": Policy("x", "beside", EVERYTHING, types),
        "allow-all": Policy("x", "beside", SELECTORS["in"], types, (Rule(),), (Rule(),)),
        "same-again": Policy("y", "main", main.subject, types, main.ingress, main.egress),
        "other-direction": Policy("x", "beside", main.subject, turned, main.ingress or rules, main.egress or rules),
    }
    if row["beside"] in beside:
        yield beside[row["beside"]]


def _rules(row: Row, address: str) -> tuple[Rule, ...]:
    rule = Rule(_peers(row, address), _ports(row))
    second = Rule((PodPeer(None, SELECTORS["label"]),), (PortRule("tcp", 82),))
    return {"none": (), "empty": (Rule(),), "one": (rule,), "two": (rule, second)}[row["rules"]]


def _peers(row: Row, address: str) -> tuple[Peer, ...]:
    namespaces = NAMESPACES[row["namespaces"]]
    chosen = None if row["pods"] == "absent" else SELECTORS[row["pods"]]
    by_selectors = PodPeer(namespaces, chosen if namespaces is not None or chosen is not None else EVERYTHING)
    family = family_of(address)
    length, all_ = family.bits, family.everything
    block = IpBlock(f"{address}/{length}")
    peers: dict[str, tuple[Peer, ...]] = {
        "none": (),
        "selectors": (by_selectors,),
        "block": (block,),
        "block-except": (IpBlock(f"{address}/{length - 8}", (block.cidr,)),),
        "block-everything": (IpBlock(all_, (f"{address}/{length - 1}",)),),
        "selectors-and-block": (by_selectors, block),
    }
    return peers[row["peer"]]


def _ports(row: Row) -> tuple[PortRule, ...]:
    protocol = next(known for known in PROTOCOLS if known == row["protocol"])
    return {
        "none": (),
        "protocol": (PortRule(protocol),),
        "number": (PortRule(protocol, 80),),
        "range": (PortRule(protocol, 80, 81),),
        "name": (PortRule(protocol, "web"),),
        "two": (PortRule(protocol, 80), PortRule("udp", 82)),
        "number-and-name": (PortRule(protocol, 81), PortRule(protocol, "alt")),
    }[row["port"]]
