"""Mutants of what keeps forged packets away: sources of pods, answers to nothing, tagged frames."""

from __future__ import annotations

from fixtures.cnis.reference.engine import rules, sources
from tests.sensitivity.mutants.odd_packets import before_all
from tests.sensitivity.mutants.registry import mutant

CHECKS, RULESET = sources.checks, rules.ruleset
ENDS = "ip saddr . ip daddr . tcp sport . tcp dport"


@mutant("M173")
def pods_of_the_node_are_alike() -> None:
    """A pod may send with the address of any pod of its node."""
    sources.checks = lambda version, family, networks: [
        f"{family} saddr @known{version} accept",
        *CHECKS(version, family, networks),
    ]


@mutant("M174")
def others_are_anybody() -> None:
    """A pod may send with every address that is not one of a pod of its node."""
    sources.checks = lambda version, family, networks: [
        line for line in CHECKS(version, family, networks) if "@own" in line or "@known" in line
    ]


@mutant("M175")
def ipv6_sources_unchecked() -> None:
    """The source of an IPv6 packet is not checked."""
    sources.checks = lambda version, family, networks: CHECKS(version, family, networks) if version == 4 else []


@mutant("M176")
def datagrams_unchecked() -> None:
    """The source of a UDP datagram is not checked."""
    field = {4: "ip protocol", 6: "ip6 nexthdr"}
    sources.checks = lambda version, family, networks: [
        f"{field[version]} udp accept",
        *CHECKS(version, family, networks),
    ]


@mutant("M177")
def answers_by_port() -> None:
    """Datagrams from port 53 pass as answers of a DNS server."""
    before_all("udp sport 53 accept")


@mutant("M178")
def dropped_segments_count() -> None:
    """A connection passes if a TCP segment other than a SYN was dropped before it with its addresses and ports."""
    known = (
        "  set met { type ipv4_addr . ipv4_addr . inet_service . inet_service; flags dynamic,timeout; timeout 60s; }\n"
    )
    head = f"table inet {rules.TABLE} {{\n"
    rules.ruleset = lambda store, node, networks: RULESET(store, node, networks).replace(head, head + known)
    before_all(f"tcp flags syn {ENDS} @met accept", f"tcp flags != syn ct state new,invalid add @met {{ {ENDS} }}")


@mutant("M179")
def tags_unread() -> None:
    """Frames with a VLAN tag are not filtered."""
    sources.TAGGED = ""
