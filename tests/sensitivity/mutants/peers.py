"""Mutants of peers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fixtures.cnis.reference.engine import rules, semantics
from fixtures.cnis.reference.engine import store as objects
from fixtures.cnis.reference.engine.semantics import Others
from tests.sensitivity.mutants.registry import mutant

if TYPE_CHECKING:
    from fixtures.cnis.reference.engine.store import Object, Store

IS_PEER, OTHERS, SELECTS, RULES_OF = semantics.is_peer, semantics.others, semantics.selects, semantics.rules_of


def _pod(peer: Object, pod: Object) -> bool:
    return peer.get("podSelector") is None or SELECTS(peer["podSelector"], objects.labels_of(pod))


def _namespace(peer: Object, pod: Object, store: Store) -> bool:
    return SELECTS(peer["namespaceSelector"], store.namespace_labels(pod["metadata"]["namespace"]))


def _combined(peer: Object) -> bool:
    return peer.get("namespaceSelector") is not None and peer.get("podSelector") is not None


@mutant("M013")
def pods_of_all_namespaces() -> None:
    """A podSelector alone matches pods of all namespaces."""

    def is_peer(peer: Object, policy: Object, pod: Object, store: Store) -> bool:
        return _pod(peer, pod) if peer.get("namespaceSelector") is None else IS_PEER(peer, policy, pod, store)

    semantics.is_peer = is_peer


@mutant("M014")
def and_as_or() -> None:
    """A peer with both selectors matches pods that only one of them matches."""

    def is_peer(peer: Object, policy: Object, pod: Object, store: Store) -> bool:
        if _combined(peer):
            return _pod(peer, pod) or _namespace(peer, pod, store)
        return IS_PEER(peer, policy, pod, store)

    semantics.is_peer = is_peer


@mutant("M015")
def namespace_only() -> None:
    """The podSelector beside a namespaceSelector is ignored."""

    def is_peer(peer: Object, policy: Object, pod: Object, store: Store) -> bool:
        return IS_PEER({**peer, "podSelector": None} if _combined(peer) else peer, policy, pod, store)

    semantics.is_peer = is_peer


@mutant("M016")
def pod_only() -> None:
    """The namespaceSelector beside a podSelector is ignored."""

    def is_peer(peer: Object, policy: Object, pod: Object, store: Store) -> bool:
        return IS_PEER({**peer, "namespaceSelector": None} if _combined(peer) else peer, policy, pod, store)

    semantics.is_peer = is_peer


@mutant("M017")
def combined_none() -> None:
    """A peer with both selectors matches nothing."""
    semantics.is_peer = lambda peer, policy, pod, store: not _combined(peer) and IS_PEER(peer, policy, pod, store)


@mutant("M018")
def namespace_alone_none() -> None:
    """A namespaceSelector alone matches nothing."""

    def is_peer(peer: Object, policy: Object, pod: Object, store: Store) -> bool:
        return peer.get("podSelector") is not None and IS_PEER(peer, policy, pod, store)

    semantics.is_peer = is_peer


@mutant("M019")
def last_kind_wins() -> None:
    """In a rule with peers of several kinds, only those of the last peer's kind are enforced."""

    def kind(peer: Object) -> tuple[bool, bool]:
        return bool(peer.get("ipBlock")), peer.get("namespaceSelector") is not None

    right = semantics.peers_of

    def peers_of(rule: Object) -> list[Object]:
        peers = right(rule)
        return [peer for peer in peers if kind(peer) == kind(peers[-1])]

    semantics.peers_of = peers_of


@mutant("M020")
def empty_set_is_any() -> None:
    """A rule whose peers match nothing allows everything."""

    def others(rule: Object, policy: Object, store: Store, version: int) -> list[Others]:
        return OTHERS(rule, policy, store, version) or [Others(anyone=True)]

    semantics.others = others


@mutant("M021")
def all_namespaces_is_any() -> None:
    """An empty namespaceSelector matches every address."""

    def others(rule: Object, policy: Object, store: Store, version: int) -> list[Others]:
        if any(peer.get("namespaceSelector") == {} and not _combined(peer) for peer in semantics.peers_of(rule)):
            return [Others(anyone=True)]
        return OTHERS(rule, policy, store, version)

    semantics.others = others


def _outside(store: Store, version: int) -> Others:
    pods = tuple(ip for pod in store.pods() for ip in objects.addresses(pod, version))
    return Others(network="0.0.0.0/0" if version == 4 else "::/0", without=pods)


@mutant("M022")
def non_pods_match() -> None:
    """An address that belongs to no pod matches every selector."""

    def others(rule: Object, policy: Object, store: Store, version: int) -> list[Others]:
        by_selector = any(not peer.get("ipBlock") for peer in semantics.peers_of(rule))
        return OTHERS(rule, policy, store, version) + ([_outside(store, version)] if by_selector else [])

    semantics.others = others


@mutant("M023")
def negative_matches_non_pods() -> None:
    """NotIn and DoesNotExist match addresses that belong to no pod."""

    def negative(peer: Object) -> bool:
        rows = [
            row
            for key in ("namespaceSelector", "podSelector")
            for row in (peer.get(key) or {}).get("matchExpressions") or ()
        ]
        return any(row["operator"] in {"NotIn", "DoesNotExist"} for row in rows)

    def others(rule: Object, policy: Object, store: Store, version: int) -> list[Others]:
        more = [_outside(store, version)] if any(negative(peer) for peer in semantics.peers_of(rule)) else []
        return OTHERS(rule, policy, store, version) + more

    semantics.others = others


@mutant("M024")
def own_namespace_none_for_egress() -> None:
    """`to: [podSelector: {}]` matches nothing."""

    def others(rule: Object, policy: Object, store: Store, version: int) -> list[Others]:
        kept = [peer for peer in rule.get("to") or () if peer != {"podSelector": {}}]
        if rule.get("to") and not kept:
            return []
        return OTHERS({**rule, "to": kept} if kept else rule, policy, store, version)

    semantics.others = others


@mutant("M025")
def directions_merged() -> None:
    """Peers of ingress rules and peers of egress rules are allowed in both directions."""

    def rules_of(policy: Object, direction: str) -> list[Object]:
        own, other = RULES_OF(policy, direction), RULES_OF(policy, "Egress" if direction == "Ingress" else "Ingress")
        if not own or not other:
            return own
        return own + [{"from": semantics.peers_of(rule), "ports": rule.get("ports")} for rule in other]

    semantics.rules_of = rules_of


@mutant("M061")
def cross_product() -> None:
    """Each peer of a policy is allowed on the ports of all its rules."""

    def rules_of(policy: Object, direction: str) -> list[Object]:
        own = RULES_OF(policy, direction)
        return [{**one, "ports": other.get("ports")} for one in own for other in own]

    semantics.rules_of = rules_of


@mutant("M062")
def last_rule_only() -> None:
    """Only the last rule of a policy is enforced."""
    semantics.rules_of = lambda policy, direction: RULES_OF(policy, direction)[-1:]


@mutant("M040")
def later_rule_replaces() -> None:
    """A rule whose ipBlock is a single address replaces the other rules of its policy."""

    def rules_of(policy: Object, direction: str) -> list[Object]:
        own = RULES_OF(policy, direction)
        single = [
            (rule.get("from") or rule.get("to") or [{}])[0]
            .get("ipBlock", {})
            .get("cidr", "")
            .endswith(("/32", "/128"))
            for rule in own
        ]
        return [rule for rule, alone in zip(own, single) if alone] if any(single) else own  # noqa: B905

    semantics.rules_of = rules_of


@mutant("M073")
def equal_rules_shared() -> None:
    """Policies with equal rules share one object, with the podSelector of the last one."""
    right = rules.isolating_policies

    def text(policy: Object) -> str:
        spec = policy["spec"]
        return repr((spec.get("ingress"), spec.get("egress"), spec["policyTypes"]))

    def isolating(store: Store, pod: Object, direction: str) -> list[Object]:
        last = {text(policy): objects.key_of(policy) for policy in sorted(store.policies(), key=objects.key_of)}
        found = right(store, pod, direction)
        return [p for p in found if not semantics.rules_of(p, direction) or last[text(p)] == objects.key_of(p)]

    rules.isolating_policies = isolating
