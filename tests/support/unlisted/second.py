"""24 mutants that were written down after the first ones were found; most were drawn by dice from a list of kinds."""

from __future__ import annotations

import re
from dataclasses import replace
from ipaddress import ip_network
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from fixtures.cnis.reference.engine import rules, semantics
from fixtures.cnis.reference.engine import store as objects
from fixtures.cnis.reference.engine.store import Store
from tests.support.unlisted.planting import (
    CHANGE,
    NUMBERED,
    PEER,
    RULES_OF,
    block_by,
    expressions_by,
    labels_by,
    of_rules,
    peer_by,
    ports_by,
    unlisted,
    updates_by,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from fixtures.cnis.reference.engine.semantics import Ports
    from fixtures.cnis.reference.engine.store import Object

PEERS_OF, NAMED, RESOLVE, NAMED_EGRESS = (
    semantics.peers_of,
    semantics.named_ports,
    semantics.resolve,
    rules.named_egress,
)
NAMESPACE_LABELS = Store.namespace_labels
LARGEST_SIGNED = 32767
HALF_BITS = 64  # of an IPv6 address
BUCKETS = 256
FEW_LABELS = 4
FEW_PORTS = 5
SLOTS = 15  # of a multiport match of iptables, where a range takes two
TEXT = 63  # characters
NUMBER = re.compile(r"\d+(\.\d+)?")


def _kept() -> Callable[[Store], dict[Any, Any]]:
    """A dictionary for each store, for mutants that keep what they have seen."""
    every: WeakKeyDictionary[Store, dict[Any, Any]] = WeakKeyDictionary()
    return lambda store: every.setdefault(store, {})


@unlisted("X01")
def few_namespace_labels() -> None:
    """Only the first 4 labels of a namespace are known, in the order of their keys."""

    def namespace_labels(self: Store, name: str) -> dict[str, str]:
        return dict(sorted(NAMESPACE_LABELS(self, name).items())[:FEW_LABELS])

    setattr(Store, NAMESPACE_LABELS.__name__, namespace_labels)


@unlisted("X02")
def overlapping_ranges() -> None:
    """A range of ports that begins inside an earlier one of its rule is ignored."""

    def numbered(rule: Object) -> list[Ports]:
        kept: list[Ports] = []
        for port in NUMBERED(rule):
            overlaps = any(p.protocol == port.protocol and 0 < p.first <= port.first <= p.last for p in kept)
            if not overlaps or port in kept:
                kept.append(port)
        return kept

    semantics.numbered_ports = numbered


@unlisted("X03")
def sctp_beside_tcp() -> None:
    """An SCTP port is ignored beside the same number of TCP."""

    def numbered(rule: Object) -> list[Ports]:
        ports = NUMBERED(rule)
        return [p for p in ports if p.protocol != "SCTP" or replace(p, protocol="TCP") not in ports]

    semantics.numbered_ports = numbered


@unlisted("X04")
def first_named_port() -> None:
    """Only the first named port of a rule is enforced."""
    semantics.named_ports = lambda rule: NAMED(rule)[:1]


@unlisted("X05")
def half_of_ipv6() -> None:
    """IPv6 blocks with a prefix longer than 64 bits are enforced with 64 bits."""

    def change(block: Object) -> Object:
        network = ip_network(block["cidr"], strict=False)
        wide = network.version == 6 and network.prefixlen > HALF_BITS
        return {**block, "cidr": str(network.supernet(new_prefix=HALF_BITS))} if wide else block

    block_by(change)


@unlisted("X06")
def namespace_not_in_needs_key() -> None:
    """NotIn of a namespaceSelector does not match namespaces that lack the key."""

    def needing(row: Object) -> Object:
        return {"key": row["key"], "operator": "Exists"}

    def change(selector: Object, _: Object) -> Object:
        rows = selector.get("matchExpressions") or []
        return {**selector, "matchExpressions": [*rows, *(needing(r) for r in rows if r["operator"] == "NotIn")]}

    peer_by("namespaceSelector", change)


@unlisted("X07")
def signed_ranges() -> None:
    """TCP ranges that end above 32767 end at 32767."""

    def change(port: Ports) -> Ports | None:
        wide = port.protocol == "TCP" and port.first <= LARGEST_SIGNED < port.last
        return replace(port, last=LARGEST_SIGNED) if wide else port

    ports_by(change)


@unlisted("X08")
def named_egress_of_ipv4() -> None:
    """Named ports of egress rules are resolved for IPv4 addresses only."""
    rules.named_egress = lambda store, policy, rule, version: (
        NAMED_EGRESS(store, policy, rule, version) if version == 4 else []
    )


@unlisted("X09")
def peers_by_pods() -> None:
    """Of two peers of a rule with the same podSelector and other namespaceSelectors the first one is enforced."""

    def peers(rule: Object) -> list[Object]:
        kept: dict[str, Object] = {}
        for peer in PEERS_OF(rule):
            kept.setdefault(repr(peer.get("podSelector") or peer), peer)
        return list(kept.values())

    semantics.peers_of = peers


@unlisted("X10")
def numbers_beside_names() -> None:
    """In a rule with port names, numbers of protocols that no name has are ignored."""

    def numbered(rule: Object) -> list[Ports]:
        protocols = {entry["protocol"] for entry in NAMED(rule)}
        return [port for port in NUMBERED(rule) if not protocols or port.protocol in protocols]

    semantics.numbered_ports = numbered


@unlisted("X11")
def numbers_as_values() -> None:
    """Label values that look like numbers are compared as numbers: "1" and "01" are the same."""
    labels_by(lambda key, value: (key, repr(float(value)) if NUMBER.fullmatch(value) else value))


def _peers_by(change: Callable[[list[Object], list[Object]], list[Object]]) -> None:
    """Let updates change peers rule by rule; `change` has a rule's old and new ones, and gives those to enforce."""

    def update(old: Object, new: Object) -> Object:
        spec = dict(new["spec"])
        for field, side in (("ingress", "from"), ("egress", "to")):
            pairs = list(zip(old["spec"].get(field) or (), new["spec"].get(field) or (), strict=False))
            changed = [{**after, side: change(PEERS_OF(before), PEERS_OF(after))} for before, after in pairs]
            spec[field] = changed + (new["spec"].get(field) or [])[len(pairs) :]
        return {**new, "spec": spec}

    updates_by(update)


@unlisted("X12")
def exceptions_stay() -> None:
    """An update that removes all exceptions of a block leaves them in effect."""

    def change(before: list[Object], after: list[Object]) -> list[Object]:
        known = {peer["ipBlock"]["cidr"]: peer for peer in before if peer.get("ipBlock")}
        return [
            known.get(peer["ipBlock"]["cidr"], peer)
            if peer.get("ipBlock") and not peer["ipBlock"].get("except")
            else peer
            for peer in after
        ]

    _peers_by(change)


@unlisted("X13")
def one_direction_at_a_time() -> None:
    """An update that changes the rules of both directions changes those of ingress only."""

    def change(old: Object, new: Object) -> Object:
        both = all(RULES_OF(old, direction) != RULES_OF(new, direction) for direction in ("Ingress", "Egress"))
        return {**new, "spec": {**new["spec"], "egress": RULES_OF(old, "Egress")}} if both else new

    updates_by(change)


@unlisted("X14")
def long_keys() -> None:
    """Keys of labels are compared by their first 63 characters, prefix included."""
    labels_by(lambda key, value: (key[:TEXT], value))


@unlisted("X15")
def few_declared_ports() -> None:
    """Only the first 5 ports that a pod declares have names."""

    def resolve(entry: Object, pod: Object) -> list[int]:
        cut = [{**container, "ports": container["ports"][:FEW_PORTS]} for container in pod["spec"]["containers"]]
        return RESOLVE(entry, {**pod, "spec": {**pod["spec"], "containers": cut}})

    semantics.resolve = resolve


@unlisted("X16")
def sets_without_operator() -> None:
    """The pods of podSelectors that differ in operators alone are one set: that of the first of them."""
    kept = _kept()

    def is_peer(peer: Object, policy: Object, pod: Object, store: Store) -> bool:
        selector = peer.get("podSelector")
        if selector is None:
            return PEER(peer, policy, pod, store)
        plain = repr(expressions_by(selector, lambda row: {**row, "operator": ""}))
        return PEER({**peer, "podSelector": kept(store).setdefault(plain, selector)}, policy, pod, store)

    semantics.is_peer = is_peer


@unlisted("X17")
def known_specs() -> None:
    """An update of a policy to a spec that it had before is ignored."""
    kept = _kept()

    def change(self: Store, kind: str, event: str, thing: Object) -> None:
        if kind == "networkpolicies":
            specs = kept(self).setdefault(objects.key_of(thing), [])
            if event == "DELETED":
                specs.clear()
            elif thing["spec"] in specs:
                return
            else:
                specs.append(thing["spec"])
        CHANGE(self, kind, event, thing)

    setattr(Store, CHANGE.__name__, change)


@unlisted("X18")
def sets_of_all_namespaces() -> None:
    """Equal podSelectors in policies of two namespaces are one set: the pods of the first policy's namespace."""
    kept = _kept()

    def is_peer(peer: Object, policy: Object, pod: Object, store: Store) -> bool:
        if peer.get("namespaceSelector") is None and peer.get("podSelector") is not None:
            metadata = policy["metadata"]
            namespace = kept(store).setdefault(repr(peer["podSelector"]), metadata["namespace"])
            policy = {**policy, "metadata": {**metadata, "namespace": namespace}}
        return PEER(peer, policy, pod, store)

    semantics.is_peer = is_peer


@unlisted("X19")
def empty_as_absent() -> None:
    """An empty namespaceSelector beside a podSelector is treated as absent."""

    def is_peer(peer: Object, policy: Object, pod: Object, store: Store) -> bool:
        spaces = peer.get("namespaceSelector") or {}
        some = spaces.get("matchLabels") or spaces.get("matchExpressions") or peer.get("podSelector") is None
        return PEER(peer if some else {**peer, "namespaceSelector": None}, policy, pod, store)

    semantics.is_peer = is_peer


def _last_by(key: Callable[[Ports], object]) -> None:
    """Of the ports of a rule with the same key the last one is enforced."""
    semantics.numbered_ports = lambda rule: list({key(port): port for port in NUMBERED(rule)}.values())


@unlisted("X20")
def ports_by_number() -> None:
    """Of two entries of ports with the same numbers and other protocols the last one is enforced."""
    _last_by(lambda port: (port.first, port.last) if port.first else port)


@unlisted("X21")
def ports_by_remainder() -> None:
    """Of two single ports of a rule whose numbers have the same remainder modulo 256 the last one is enforced."""
    _last_by(lambda port: (port.protocol, port.first % BUCKETS) if 0 < port.first == port.last else port)


@unlisted("X22")
def few_slots() -> None:
    """Ports of a rule are enforced up to 15 slots of a protocol, of which a range takes two."""

    def numbered(rule: Object) -> list[Ports]:
        used: dict[str, int] = {}
        kept = []
        for port in NUMBERED(rule):
            used[port.protocol] = used.get(port.protocol, 0) + (1 if port.first == port.last else 2)
            if used[port.protocol] <= SLOTS:
                kept.append(port)
        return kept

    semantics.numbered_ports = numbered


@unlisted("X23")
def joined_labels() -> None:
    """Labels are compared as one text, key and value joined by a hyphen: a-b and c are the same as a and b-c."""

    def joined(labels: dict[str, str]) -> set[str]:
        return {f"{key}-{value}" for key, value in labels.items()}

    def row_holds(row: Object, labels: dict[str, str]) -> bool:
        if row["operator"] not in {"In", "NotIn"}:
            return (row["key"] in labels) is (row["operator"] == "Exists")
        some = any(f"{row['key']}-{value}" in joined(labels) for value in row["values"])
        return some is (row["operator"] == "In")

    semantics.selects = lambda selector, labels: (
        joined(selector.get("matchLabels") or {}) <= joined(labels)
        and all(row_holds(row, labels) for row in selector.get("matchExpressions") or ())
    )


@unlisted("X24")
def removed_peers_stay() -> None:
    """An update that removes peers of rules and changes nothing else is ignored."""

    def change(old: Object, new: Object) -> Object:
        def alone(rule: Object) -> object:
            return rule.get("ports")

        def peers(policy: Object) -> list[list[Object]]:
            return [PEERS_OF(rule) for way in ("Ingress", "Egress") for rule in RULES_OF(policy, way)]

        pairs = list(zip(peers(old), peers(new), strict=False))
        fewer = all(after and all(peer in before for peer in after) for before, after in pairs if before != after)
        return old if fewer and of_rules(old, alone) == of_rules(new, alone) else new

    updates_by(change)
