"""Mutants of ipBlocks: of matching addresses, and of the rules for blocks."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network
from typing import TYPE_CHECKING

from fixtures.cnis.reference.engine import rules, semantics
from fixtures.cnis.reference.engine import store as objects
from fixtures.cnis.reference.engine.semantics import Others, Ports
from tests.sensitivity.mutants.registry import mutant

if TYPE_CHECKING:
    from fixtures.cnis.reference.engine.store import Object, Store

BLOCK, OTHERS, POLICY_LINES, RULES_OF = semantics.block, semantics.others, rules.policy_lines, semantics.rules_of


@mutant("M028")
def except_ignored() -> None:
    """Exceptions are ignored."""
    semantics.block = lambda block, version: BLOCK({**block, "except": []}, version)


@mutant("M029")
def except_ignored_for_all() -> None:
    """Exceptions of an ipBlock of all addresses are ignored."""

    def block(ip_block: Object, version: int) -> list[Others]:
        whole = ip_block["cidr"].endswith("/0")
        return BLOCK({**ip_block, "except": []} if whole else ip_block, version)

    semantics.block = block


@mutant("M030")
def last_except_only() -> None:
    """Only the last of several exceptions is enforced."""
    semantics.block = lambda block, version: BLOCK({**block, "except": (block.get("except") or [])[-1:]}, version)


@mutant("M031")
def except_denies() -> None:
    """An exception denies its addresses even if another rule allows them."""

    def policy_lines(store: Store, policy: Object, pod: Object, direction: str, version: int) -> list[str]:
        side = ("ip " if version == 4 else "ip6 ") + ("saddr" if direction == "Ingress" else "daddr")
        every = rules.isolating_policies(store, pod, direction)
        cut = [
            cidr
            for one in every
            for rule in RULES_OF(one, direction)
            for peer in semantics.peers_of(rule)
            for cidr in (peer.get("ipBlock") or {}).get("except") or ()
            if ip_network(cidr).version == version
        ]
        return [f"{side} {cidr} drop" for cidr in cut] + POLICY_LINES(store, policy, pod, direction, version)

    rules.policy_lines = policy_lines


@mutant("M032")
def excepts_pooled() -> None:
    """The exceptions of all ipBlocks of a policy apply to all of its peers."""

    def others(rule: Object, policy: Object, store: Store, version: int) -> list[Others]:
        pooled = [
            ip_network(cidr)
            for direction in ("Ingress", "Egress")
            for one in RULES_OF(policy, direction)
            for peer in semantics.peers_of(one)
            for cidr in (peer.get("ipBlock") or {}).get("except") or ()
            if ip_network(cidr).version == version
        ]
        result = []
        for other in OTHERS(rule, policy, store, version):
            kept = tuple(a for a in other.addresses if not any(ip_network(a).subnet_of(n) for n in pooled))
            cut = tuple(str(n) for n in pooled)
            if other.network and all(ip_network(other.network) != n for n in pooled):
                result.append(replace(other, without=cut))
            elif kept or other.anyone:
                result.append(replace(other, addresses=kept))
        return result

    semantics.others = others


@mutant("M033")
def zero_unmatched() -> None:
    """An ipBlock of all addresses matches no address."""
    semantics.block = lambda block, version: [] if block["cidr"].endswith("/0") else BLOCK(block, version)


@mutant("M034")
def zero_both_families() -> None:
    """The ipBlock 0.0.0.0/0 matches IPv6 addresses, too."""

    def block(ip_block: Object, version: int) -> list[Others]:
        if ip_block["cidr"] in {"0.0.0.0/0", "::/0"}:
            return [Others(network="0.0.0.0/0" if version == 4 else "::/0")]
        return BLOCK(ip_block, version)

    semantics.block = block


def _same_block(own: list[Object]) -> dict[str, list[Object]]:
    by_cidr: dict[str, list[Object]] = {}
    for rule in own:
        for peer in semantics.peers_of(rule):
            if peer.get("ipBlock"):
                by_cidr.setdefault(peer["ipBlock"]["cidr"], []).append(rule)
    return by_cidr


@mutant("M036")
def one_list_for_a_prefix() -> None:
    """Of several rules with the same prefix, the ports of one are enforced."""

    def rules_of(policy: Object, direction: str) -> list[Object]:
        own = RULES_OF(policy, direction)
        lost = [rule for same in _same_block(own).values() for rule in same[1:]]
        return [rule for rule in own if rule not in lost]

    semantics.rules_of = rules_of


@mutant("M037")
def all_ports_lost() -> None:
    """Of two rules with the same ipBlock, one with ports and one without, the one without is ignored."""

    def rules_of(policy: Object, direction: str) -> list[Object]:
        own = RULES_OF(policy, direction)
        lost = [
            rule
            for same in _same_block(own).values()
            if any(one.get("ports") for one in same)
            for rule in same
            if not rule.get("ports")
        ]
        return [rule for rule in own if rule not in lost]

    semantics.rules_of = rules_of


@mutant("M038")
def longest_only() -> None:
    """Only the rules of the longest matching ipBlock are enforced."""

    def others(rule: Object, policy: Object, store: Store, version: int) -> list[Others]:
        every = [
            ip_network(peer["ipBlock"]["cidr"])
            for direction in ("Ingress", "Egress")
            for one in RULES_OF(policy, direction)
            for peer in semantics.peers_of(one)
            if peer.get("ipBlock")
        ]
        result = []
        for other in OTHERS(rule, policy, store, version):
            own = ip_network(other.network) if other.network else None
            longer = [n for n in every if own and n.version == version and n != own and n.subnet_of(own)]
            result.append(replace(other, without=(*other.without, *(str(n) for n in longer))))
        return result

    semantics.others = others


@mutant("M039")
def ports_inherited() -> None:
    """A narrow ipBlock is allowed on the ports of a wider one, even if it is an exception of that one."""

    def policy_lines(store: Store, policy: Object, pod: Object, direction: str, version: int) -> list[str]:
        lines = POLICY_LINES(store, policy, pod, direction, version)
        own = [
            (rule, peer["ipBlock"])
            for rule in RULES_OF(policy, direction)
            for peer in semantics.peers_of(rule)
            if peer.get("ipBlock")
        ]
        for wide, outer in own:
            for _, inner in own:
                one, other = ip_network(inner["cidr"]), ip_network(outer["cidr"])
                if one != other and one.version == other.version == version and one.subnet_of(other):
                    lines += [
                        rules.line(direction, version, Others(network=str(one)), ports)
                        for ports in semantics.numbered_ports(wide)
                    ]
        return lines

    rules.policy_lines = policy_lines


@mutant("M042")
def not_pods() -> None:
    """An ipBlock does not match addresses of pods."""

    def others(rule: Object, policy: Object, store: Store, version: int) -> list[Others]:
        pods = tuple(ip for pod in store.pods() for ip in objects.addresses(pod, version))
        return [
            replace(other, without=(*other.without, *pods)) if other.network else other
            for other in OTHERS(rule, policy, store, version)
        ]

    semantics.others = others


@mutant("M041")
def removing_drops_nested() -> None:
    """Removing an ipBlock from a policy removes the blocks that it contains."""
    known: dict[str, set[str]] = {}

    def others(rule: Object, policy: Object, store: Store, version: int) -> list[Others]:
        now = {other.network for other in OTHERS(rule, policy, store, version) if other.network}
        seen = known.setdefault(policy["metadata"]["uid"], set())
        gone = [ip_network(cidr) for cidr in seen - {n for r in _all(policy) for n in r}]
        seen |= now
        return [
            other
            for other in OTHERS(rule, policy, store, version)
            if not other.network
            or not any(ip_network(other.network).subnet_of(n) for n in gone if n.version == version)
        ]

    def _all(policy: Object) -> list[set[str]]:
        return [
            {str(ip_network(peer["ipBlock"]["cidr"], strict=False))}
            for direction in ("Ingress", "Egress")
            for rule in RULES_OF(policy, direction)
            for peer in semantics.peers_of(rule)
            if peer.get("ipBlock")
        ]

    semantics.others = others


@mutant("M165")
def other_family_poisons() -> None:
    """An ipBlock of the other address family stops all updates of a node."""
    right = rules.ruleset

    def ruleset(store: Store, node: str, networks: list[str]) -> str:
        family = {ip_network(network).version for network in networks}
        for policy in store.policies():
            for direction in ("Ingress", "Egress"):
                for rule in RULES_OF(policy, direction):
                    for peer in semantics.peers_of(rule):
                        if peer.get("ipBlock") and ip_network(peer["ipBlock"]["cidr"]).version not in family:
                            return "nonsense\n"
        return right(store, node, networks)

    rules.ruleset = ruleset


@mutant("M154")
def few_ports() -> None:
    """Only the first 24 ports of a rule are enforced."""
    right = semantics.numbered_ports

    def numbered_ports(rule: Object) -> list[Ports]:
        return right({**rule, "ports": (rule.get("ports") or [])[:24]})

    semantics.numbered_ports = numbered_ports
