"""The first 24 mutants."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network
from typing import TYPE_CHECKING

from fixtures.cnis.reference.engine import rules, semantics
from fixtures.cnis.reference.engine import store as objects
from fixtures.cnis.reference.engine.store import Store
from tests.support.unlisted.planting import (
    BLOCK,
    CHANGE,
    HOLDS,
    ISOLATES,
    ISOLATING,
    LABELS_OF,
    PEER,
    RULES_OF,
    SELECTS,
    block_by,
    expressions_by,
    ignored,
    of_rules,
    peer_by,
    ports_by,
    rules_by,
    subject_by,
    unlisted,
    without_port,
)

if TYPE_CHECKING:
    from fixtures.cnis.reference.engine.semantics import Others
    from fixtures.cnis.reference.engine.store import Object

LARGEST_SIGNED, LAST, WIDEST = 32767, 65535, 1024
CUT = 8  # exceptions or policies
CUT_LONG = 16  # values or peers


@unlisted("W01")
def subject_not_in_needs_key() -> None:
    """NotIn in a policy's own podSelector does not match pods that lack the key."""
    subject_by(lambda selector, labels: (
        {"matchLabels": {"": "none"}}
        if any(r["operator"] == "NotIn" and r["key"] not in labels for r in selector.get("matchExpressions") or ())
        else selector
    ))  # fmt: skip


@unlisted("W02")
def exceptions_by_address() -> None:
    """Of two exceptions with the same address and other lengths the first one is enforced."""

    def change(block: Object) -> Object:
        first: dict[str, str] = {}
        for cidr in block.get("except") or ():
            first.setdefault(cidr.partition("/")[0], cidr)
        return {**block, "except": list(first.values())}

    block_by(change)


@unlisted("W03")
def empty_direction_open() -> None:
    """A policy of both types with rules of one direction only does not isolate in the other one."""

    def isolates(policy: Object, direction: str) -> bool:
        both = len(policy["spec"]["policyTypes"]) > 1
        some = RULES_OF(policy, "Ingress") or RULES_OF(policy, "Egress")
        return ISOLATES(policy, direction) and not (both and some and not RULES_OF(policy, direction))

    semantics.isolates = isolates


@unlisted("W04")
def namespaces_without_case() -> None:
    """In of a namespaceSelector ignores the case of values."""

    def is_peer(peer: Object, policy: Object, pod: Object, store: Store) -> bool:
        selector = peer.get("namespaceSelector")
        if selector is None:
            return PEER(peer, policy, pod, store)
        known = store.namespace_labels(pod["metadata"]["namespace"])

        def wider(row: Object) -> Object:
            own = known.get(row["key"])
            alike = own is not None and own.lower() in {value.lower() for value in row.get("values") or ()}
            return {**row, "values": [*row["values"], own]} if alike and row["operator"] == "In" else row

        return PEER({**peer, "namespaceSelector": expressions_by(selector, wider)}, policy, pod, store)

    semantics.is_peer = is_peer


@unlisted("W05")
def signed_udp() -> None:
    """UDP ports above 32767 match nothing."""
    ports_by(lambda port: None if port.protocol == "UDP" and port.first > LARGEST_SIGNED else port)


@unlisted("W06")
def few_exceptions() -> None:
    """Only the first 8 exceptions of a block are enforced."""
    block_by(lambda block: {**block, "except": (block.get("except") or [])[:CUT]})


@unlisted("W07")
def last_of_a_key() -> None:
    """Of two expressions of a namespaceSelector with the same key the last one is enforced."""
    peer_by(
        "namespaceSelector",
        lambda selector, _: {
            **selector,
            "matchExpressions": list({r["key"]: r for r in selector.get("matchExpressions") or ()}.values()),
        },
    )


@unlisted("W08")
def few_values() -> None:
    """In and NotIn of a policy's podSelector read the first 16 values."""
    subject_by(
        lambda selector, _: expressions_by(
            selector, lambda row: {**row, "values": (row.get("values") or [])[:CUT_LONG]}
        )
    )


@unlisted("W09")
def few_peers() -> None:
    """Only the first 16 peers of a rule are enforced."""
    rules_by(lambda own: [
        {key: (value[:CUT_LONG] if key in {"from", "to"} and value else value) for key, value in rule.items()}
        for rule in own
    ])  # fmt: skip


@unlisted("W10")
def rules_by_peers() -> None:
    """Of two rules of a policy with the same peers, the last one is enforced."""
    rules_by(lambda own: list({repr(semantics.peers_of(rule)): rule for rule in own}.values()))


@unlisted("W11")
def whole_octets() -> None:
    """Prefix lengths of IPv4 blocks are rounded down to whole octets."""

    def change(block: Object) -> Object:
        network = ip_network(block["cidr"])
        if network.version == 6:
            return block
        return {**block, "cidr": str(network.supernet(new_prefix=network.prefixlen // 8 * 8))}

    block_by(change)


@unlisted("W12")
def narrow_ranges() -> None:
    """Ranges of more than 1024 ports end after 1024."""
    ports_by(lambda port: replace(port, last=min(port.last, port.first + WIDEST)) if port.first else port)


@unlisted("W13")
def last_port() -> None:
    """A single port 65535 matches nothing."""
    ports_by(lambda port: None if port.first == LAST else port)


@unlisted("W14")
def half_values() -> None:
    """Label values are compared by their first 32 characters."""

    def short(value: str) -> str:
        return value[:32]

    def selects(selector: Object, labels: dict[str, str]) -> bool:
        wanted = {key: short(value) for key, value in (selector.get("matchLabels") or {}).items()}
        cut = expressions_by(
            selector, lambda row: {**row, "values": [short(value) for value in row.get("values") or ()]}
        )
        return SELECTS({**cut, "matchLabels": wanted}, {key: short(value) for key, value in labels.items()})

    semantics.selects = selects


@unlisted("W15")
def keys_without_prefix() -> None:
    """The prefix of a label's key is ignored in podSelectors of peers."""

    def is_peer(peer: Object, policy: Object, pod: Object, store: Store) -> bool:
        selector = peer.get("podSelector")
        if selector is None:
            return PEER(peer, policy, pod, store)
        rows = expressions_by(selector, lambda row: {**row, "key": row["key"].rpartition("/")[2]})
        wanted = {key.rpartition("/")[2]: value for key, value in (selector.get("matchLabels") or {}).items()}
        labels = {key.rpartition("/")[2]: value for key, value in objects.labels_of(pod).items()}
        own = PEER({**peer, "podSelector": {}}, policy, pod, store)
        return own and SELECTS({**rows, "matchLabels": wanted}, labels)

    semantics.is_peer = is_peer


@unlisted("W16")
def protocol_update_ignored() -> None:
    """An update that changes nothing but protocols of ports is ignored."""
    ignored("networkpolicies", lambda policy: of_rules(policy, lambda rule: without_port(rule, "protocol")))


@unlisted("W17")
def exception_update_ignored() -> None:
    """An update that changes nothing but exceptions is ignored."""

    def without(rule: Object) -> object:
        peers = [{**peer, "ipBlock": (peer.get("ipBlock") or {}).get("cidr")} for peer in semantics.peers_of(rule)]
        return peers, rule.get("ports")

    ignored("networkpolicies", lambda policy: of_rules(policy, without))


@unlisted("W18")
def value_update_ignored() -> None:
    """A pod's update that changes a label's value and no key is ignored."""
    ignored("pods", lambda pod: LABELS_OF(pod).keys())


@unlisted("W19")
def order_loses_last() -> None:
    """An update that only changes the order of rules loses the last rule."""

    def change(self: Store, what: str, event: str, thing: Object) -> None:
        old = self.kinds[what].get(objects.key_of(thing))
        if what == "networkpolicies" and event == "MODIFIED" and old is not None:
            for direction in ("Ingress", "Egress"):
                before, after = RULES_OF(old, direction), RULES_OF(thing, direction)
                if before != after and sorted(map(repr, before)) == sorted(map(repr, after)):
                    thing = {**thing, "spec": {**thing["spec"], direction.lower(): after[:-1]}}
        CHANGE(self, what, event, thing)

    setattr(Store, CHANGE.__name__, change)


@unlisted("W20")
def absence_ignored_beside_namespaces() -> None:
    """DoesNotExist of a podSelector beside a namespaceSelector is ignored."""
    peer_by(
        "podSelector",
        lambda selector, peer: (
            expressions_by(selector, lambda row: None if row["operator"] == "DoesNotExist" else row)
            if peer.get("namespaceSelector") is not None
            else selector
        ),
    )


@unlisted("W21")
def nested_exception_readmits() -> None:
    """An exception inside another exception re-admits its addresses."""

    def block(ip_block: Object, version: int) -> list[Others]:
        networks = [ip_network(cidr) for cidr in ip_block.get("except") or ()]
        nested = [n for n in networks if any(n != m and n.subnet_of(m) for m in networks)]  # type: ignore[arg-type]
        whole = BLOCK(ip_block, version)
        return whole + [replace(other, network=str(n), without=()) for other in whole for n in nested]

    semantics.block = block


@unlisted("W22")
def end_update_ignored() -> None:
    """An update that changes nothing but endPort is ignored."""
    ignored("networkpolicies", lambda policy: of_rules(policy, lambda rule: without_port(rule, "endPort")))


@unlisted("W23")
def keys_by_end() -> None:
    """Exists compares keys by their end."""

    def holds(expression: Object, labels: dict[str, str]) -> bool:
        row = expression
        if row["operator"] == "Exists":
            return any(key.endswith(row["key"]) for key in labels)
        return HOLDS(row, labels)

    semantics.holds = holds


@unlisted("W24")
def few_policies() -> None:
    """Only the first 8 policies that isolate a pod count."""
    rules.isolating_policies = lambda store, pod, direction: ISOLATING(store, pod, direction)[:CUT]
