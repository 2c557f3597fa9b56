"""Expectations of files compared with the oracle, and which of them apply in a cluster."""

from __future__ import annotations

from dataclasses import replace

import pytest

from policies import ambiguities, base_world, cases, layouts
from policies.ambiguities import PROFILES, Ambiguity
from policies.disagreements import disagreements
from policies.families import Family
from policies.oracle import Decision, Path, Query, reachability
from policies.stated import stated

TEXT = """
feature: f
cases:
  - id: one
    title: t
    clauses: [1]
    policies:
      x/p: {podSelector: {}, ingress: [{from: [{ipBlock: {cidr: "${all}"}}]}]}
    expect:
      - flows: [TCP/80]
        via: pod-ip
        open: ["x/a x/b x/c y/a y/b z/a remote-node > x/a x/b x/c"]
        allow: ["outside > x/a x/b x/c"]
"""
PACKET_FILTER = PROFILES["packet-filter"]
NO_BLOCKS = {Ambiguity.BLOCK_MATCHES_PODS: False}


def found(text: str, profile: dict[Ambiguity, bool] | None = None) -> list[str]:
    """The disagreements of a file with one case."""
    (case,) = cases.load(text, "mine.yaml")
    return [str(row) for row in disagreements(case, profile or ambiguities.OPEN)]


def test_a_file_that_expects_the_decisions_of_the_specification_agrees_with_every_engine() -> None:
    """Undefined flows agree with any profile, and flows that the file does not name are not compared."""
    for profile in PROFILES.values():
        assert found(TEXT, dict(profile)) == []


OPEN_CELLS = 'open: ["x/a x/b x/c y/a y/b z/a remote-node > x/a x/b x/c"]'


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        (OPEN_CELLS, OPEN_CELLS.replace('"]', '", "x/a > y/a"]'), "mine.yaml, line 12 (one): x/a > y/a"),
        ('allow: ["outside > x/a x/b x/c"]', 'deny: ["outside > x/a"]', "mine.yaml, line 13 (one): outside > x/a"),
        (OPEN_CELLS, OPEN_CELLS.replace("y/a ", ""), "mine.yaml, line 10 (one): y/a > x/a"),
    ],
    ids=["open and decided", "allowed and denied", "open and allowed by default"],
)
def test_a_disagreement_has_its_line_and_reasons(old: str, new: str, where: str) -> None:
    """The line of the text that lists the pair, or of the block; and the decision of the oracle."""
    lines = found(TEXT.replace(old, new))
    matching = [line for line in lines if line.startswith(where)]
    assert matching
    assert "TCP/80 by address over IPv4: expected" in matching[0]
    assert "clause" in matching[0]


def test_decisions_of_a_profile_may_be_expected_of_engines_with_that_profile_only() -> None:
    """A file for the profile of one engine disagrees with engines of other profiles."""
    written = TEXT.replace(OPEN_CELLS, OPEN_CELLS.replace("open", "deny"))
    assert found(written, NO_BLOCKS | {Ambiguity.BLOCK_MATCHES_NODES: False}) == []
    declared = found(written, dict(PACKET_FILTER))
    assert any(
        "expected denied, but allowed" in row and "x/p ingress rule 0 allows x/a on TCP/80" in row for row in declared
    )
    assert any("expected denied, but undefined: x/p ingress rule 0" in row for row in found(written))


def test_a_file_for_one_family_is_compared_in_that_family_only() -> None:
    """Addresses of one family do not match flows of the other."""
    mine = TEXT.replace('cidr: "${all}"', 'cidr: "203.0.113.0/24"')
    mine = mine.replace(OPEN_CELLS, OPEN_CELLS.replace("open", "deny"))
    assert found(mine)
    assert found(mine.replace("    clauses", "    family: ipv4\n    clauses")) == []


@pytest.mark.parametrize("nodes", [("n0",), ("n0", "n1"), ("n1", "n0"), ("n0", "n1", "n2")], ids=len)
@pytest.mark.parametrize("network", ["10.42.0", "172.16.9"])
@pytest.mark.parametrize("profile", ["specification", "packet-filter", "calico"])
def test_expectations_of_the_corpus_hold_in_every_cluster(nodes: tuple[str, ...], network: str, profile: str) -> None:
    """On fewer nodes, or with all pods in one network, expectations that apply are those of the oracle."""
    addresses: dict[str, tuple[str, ...]] = {
        key: (f"{network}.{number}",) for number, key in enumerate(base_world.KEYS, 10)
    }
    hosts = {
        base_world.LOCAL_NODE: ("192.0.2.11", f"{network}.1"),
        base_world.REMOTE_NODE: ("192.0.2.12",),
        base_world.OUTSIDE: ("203.0.113.10",),
    }
    if len(nodes) == 1:
        hosts[base_world.REMOTE_NODE] = hosts[base_world.LOCAL_NODE]
    live = layouts.on_nodes(layouts.with_addresses(base_world.build(), addresses | hosts), nodes)
    some = 0
    for case in cases.corpus():
        for step in case.steps:
            world = step.world(live)
            file = stated(step, step.world(base_world.build()), world, Family.IPV4)
            for query in (Query("tcp", 80), Query("udp", 81), Query("tcp", 81, Path.SERVICE)):
                cells = file.cells(query)
                reached = reachability(world, query, PROFILES[profile])
                own = base_world.OUTSIDE, base_world.REMOTE_NODE
                probed = [c for c in cells if query.path is Path.POD_IP or c[1] not in own]
                some += len(probed)
                assert [cell for cell in probed if reached.decision(*cell) is not cells[cell]] == [], f"{case} {query}"
    assert some > 1000


def test_expectations_do_not_apply_to_a_pair_that_shares_a_node_in_the_cluster_only() -> None:
    """A node always reaches its own pods (clause 47), so the expectation for another node's does not apply."""
    (case,) = cases.load(TEXT, "mine.yaml")
    step = replace(case.steps[0], policies={})
    model, query = step.world(base_world.build()), Query("tcp", 80)
    alone = stated(step, model, step.world(layouts.on_nodes(base_world.build(), ("n0",))), Family.IPV4)
    assert (base_world.REMOTE_NODE, "x/a") in alone.moved
    assert ("x/b", "x/a") not in alone.moved
    assert stated(step, model, model, Family.IPV4).moved == frozenset()
    assert (base_world.OUTSIDE, "x/a") in alone.cells(query)
    assert alone.cells(Query("tcp", 81)) == {}
    assert Decision.UNDEFINED not in alone.cells(query).values()
