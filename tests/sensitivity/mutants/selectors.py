"""Mutants of selectors: label selectors, and the pods that a policy selects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fixtures.cnis.reference.engine import semantics
from fixtures.cnis.reference.engine import store as objects
from tests.sensitivity.mutants.registry import mutant

if TYPE_CHECKING:
    from fixtures.cnis.reference.engine.store import Object, Store

SELECTS, HOLDS, IS_SUBJECT, IS_PEER = semantics.selects, semantics.holds, semantics.is_subject, semantics.is_peer


@mutant("M001")
def labels_or() -> None:
    """A selector with several matchLabels matches objects that have one of them."""

    def selects(selector: Object, labels: dict[str, str]) -> bool:
        wanted = selector.get("matchLabels") or {}
        if len(wanted) > 1 and any(labels.get(key) == value for key, value in wanted.items()):
            return SELECTS({**selector, "matchLabels": {}}, labels)
        return SELECTS(selector, labels)

    semantics.selects = selects


@mutant("M002")
def in_multi_none() -> None:
    """In with several values matches nothing."""
    semantics.holds = lambda row, labels: (
        not (row["operator"] == "In" and len(row["values"]) > 1) and HOLDS(row, labels)
    )


@mutant("M003")
def expressions_dropped() -> None:
    """MatchExpressions are dropped."""
    semantics.selects = lambda selector, labels: SELECTS({**selector, "matchExpressions": []}, labels)


@mutant("M004")
def absent_false() -> None:
    """NotIn and DoesNotExist do not match objects that lack the key."""

    def holds(row: Object, labels: dict[str, str]) -> bool:
        if row["operator"] == "DoesNotExist":
            return False
        return (row["operator"] != "NotIn" or row["key"] in labels) and HOLDS(row, labels)

    semantics.holds = holds


@mutant("M005")
def unlabelled_invisible() -> None:
    """No selector matches objects without labels."""
    semantics.selects = lambda selector, labels: bool(labels) and SELECTS(selector, labels)


@mutant("M006")
def numeric_values() -> None:
    """Label values that look like numbers are compared as numbers."""

    def plain(value: str | None) -> str | float | None:
        try:
            return float(value) if value is not None else None
        except ValueError:
            return value

    def selects(selector: Object, labels: dict[str, str]) -> bool:
        rest = {**selector, "matchLabels": {}}
        wanted = selector.get("matchLabels") or {}
        return all(plain(labels.get(k)) == plain(v) for k, v in wanted.items()) and SELECTS(rest, labels)

    semantics.selects = selects


@mutant("M007")
def keys_only() -> None:
    """Label selectors compare only the keys of labels."""

    def selects(selector: Object, labels: dict[str, str]) -> bool:
        return all(key in labels for key in selector.get("matchLabels") or {})

    semantics.selects = selects


@mutant("M008")
def empty_selects_none() -> None:
    """An empty podSelector of a policy selects no pod."""

    def is_subject(policy: Object, pod: Object) -> bool:
        return bool(policy["spec"].get("podSelector")) and IS_SUBJECT(policy, pod)

    semantics.is_subject = is_subject


@mutant("M009")
def subjects_everywhere() -> None:
    """A policy selects pods of all namespaces."""

    def is_subject(policy: Object, pod: Object) -> bool:
        return SELECTS(policy["spec"].get("podSelector") or {}, objects.labels_of(pod))

    semantics.is_subject = is_subject


@mutant("M010")
def half_empty_is_empty() -> None:
    """A selector with matchLabels alone or with matchExpressions alone selects everything."""

    def selects(selector: Object, labels: dict[str, str]) -> bool:
        whole = selector.get("matchLabels") and selector.get("matchExpressions")
        return not whole or SELECTS(selector, labels)

    semantics.selects = selects


@mutant("M011")
def first_pod_only() -> None:
    """Only one of the selected pods on a node is isolated."""
    from fixtures.cnis.reference.engine import rules  # noqa: PLC0415

    right = rules.isolating_policies

    def isolating(store: Store, pod: Object, direction: str) -> list[Object]:
        def first(policy: Object) -> bool:
            local = [p for p in store.pods() if p["spec"].get("nodeName") == pod["spec"].get("nodeName")]
            return min(objects.key_of(p) for p in local if IS_SUBJECT(policy, p)) == objects.key_of(pod)

        return [policy for policy in right(store, pod, direction) if first(policy)]

    rules.isolating_policies = isolating


@mutant("M012")
def namespace_from_label() -> None:
    """A label of a pod can replace its namespace."""

    def is_subject(policy: Object, pod: Object) -> bool:
        namespace = objects.labels_of(pod).get("namespace", pod["metadata"]["namespace"])
        same = policy["metadata"]["namespace"] == namespace
        return same and SELECTS(policy["spec"].get("podSelector") or {}, objects.labels_of(pod))

    semantics.is_subject = is_subject


@mutant("M134")
def one_name_for_all() -> None:
    """A pod label, a port name and a namespace label with the same text share one set."""

    def is_peer(peer: Object, policy: Object, pod: Object, store: Store) -> bool:
        texts = set(objects.labels_of(pod).values()) | set(
            store.namespace_labels(pod["metadata"]["namespace"]).values()
        )
        selector = peer.get("podSelector") or {}
        selected = set((selector.get("matchLabels") or {}).values())
        return bool(selected & texts) or IS_PEER(peer, policy, pod, store)

    semantics.is_peer = is_peer
