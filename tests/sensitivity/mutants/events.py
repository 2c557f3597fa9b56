"""Mutants of events: changes of objects that are ignored or applied wrongly."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from fixtures.cnis.reference.engine import rules, semantics
from fixtures.cnis.reference.engine import store as objects
from fixtures.cnis.reference.engine.store import Store
from tests.sensitivity.mutants.registry import mutant

if TYPE_CHECKING:
    from collections.abc import Callable

    from fixtures.cnis.reference.engine.store import Object

    Change = Callable[[Store, str, Object, Object | None], Object | None]

CHANGE = Store.change


def on_change(kind: str, decide: Change) -> None:
    """Let a function decide what a change makes of an object: what it gives is stored; None leaves the old one."""

    def change(self: Store, what: str, event: str, thing: Object) -> None:
        old = self.kinds[what].get(objects.key_of(thing))
        if what == kind:
            found = decide(self, event, thing, old)
            if found is None:
                return
            thing = found
        CHANGE(self, what, event, thing)

    Store.change = change


def _with_labels(thing: Object, labels: dict[str, str]) -> Object:
    changed = copy.deepcopy(thing)
    changed["metadata"]["labels"] = labels
    return changed


def _labels_stay(_: Store, event: str, thing: Object, old: Object | None) -> Object:
    """What a change makes of an object where labels are added and never removed."""
    if event != "MODIFIED" or old is None:
        return thing
    return _with_labels(thing, {**objects.labels_of(old), **objects.labels_of(thing)})


@mutant("M116")
def label_added_ignored() -> None:
    """Labels added to a pod are ignored."""

    def decide(_: Store, event: str, thing: Object, old: Object | None) -> Object:
        if event != "MODIFIED" or old is None:
            return thing
        before, after = objects.labels_of(old), objects.labels_of(thing)
        return _with_labels(thing, {key: value for key, value in after.items() if key in before})

    on_change("pods", decide)


@mutant("M117")
def label_removed_ignored() -> None:
    """Labels removed from a pod stay in effect."""
    on_change("pods", _labels_stay)


@mutant("M118")
def empty_equals_missing() -> None:
    """A change between a label with an empty value and no label is ignored."""

    def decide(_: Store, event: str, thing: Object, old: Object | None) -> Object:
        if event != "MODIFIED" or old is None:
            return thing
        before, after = objects.labels_of(old), objects.labels_of(thing)
        same = len(before) == len(after) and all(before.get(key, "") == value for key, value in after.items())
        return _with_labels(thing, before) if same else thing

    on_change("pods", decide)


@mutant("M119")
def namespace_labels_ignored() -> None:
    """Labels of a namespace are read once and never updated."""
    on_change("namespaces", lambda _, event, thing, old: None if event == "MODIFIED" and old else thing)


@mutant("M120")
def namespace_label_removed_ignored() -> None:
    """Labels removed from a namespace stay in effect."""
    on_change("namespaces", _labels_stay)


@mutant("M121")
def combined_peers_not_refreshed() -> None:
    """Changes of a namespace's labels are ignored by peers with both selectors."""
    first: dict[str, dict[str, str]] = {}
    right = semantics.is_peer

    def is_peer(peer: Object, policy: Object, pod: Object, store: Store) -> bool:
        if peer.get("namespaceSelector") is None or peer.get("podSelector") is None:
            return right(peer, policy, pod, store)
        name = pod["metadata"]["namespace"]
        known = first.setdefault(name, store.namespace_labels(name))
        inside = semantics.selects(peer["namespaceSelector"], known)
        return inside and semantics.selects(peer["podSelector"], objects.labels_of(pod))

    semantics.is_peer = is_peer


@mutant("M124")
def subject_update_ignored() -> None:
    """A change of a policy's podSelector is ignored."""

    def decide(_: Store, event: str, thing: Object, old: Object | None) -> Object:
        if event == "MODIFIED" and old:
            return {**thing, "spec": {**thing["spec"], "podSelector": old["spec"].get("podSelector")}}
        return thing

    on_change("networkpolicies", decide)


@mutant("M125")
def update_adds_only() -> None:
    """An update of a policy adds rules and removes none."""

    def decide(_: Store, event: str, thing: Object, old: Object | None) -> Object:
        if event != "MODIFIED" or not old:
            return thing
        spec = copy.deepcopy(thing["spec"])
        for direction in ("ingress", "egress"):
            if old["spec"].get(direction):
                spec[direction] = (spec.get(direction) or []) + old["spec"][direction]
        return {**thing, "spec": spec}

    on_change("networkpolicies", decide)


@mutant("M126")
def types_update_ignored() -> None:
    """A change of a policy's policyTypes is ignored."""

    def decide(_: Store, event: str, thing: Object, old: Object | None) -> Object:
        if event == "MODIFIED" and old:
            return {**thing, "spec": {**thing["spec"], "policyTypes": old["spec"]["policyTypes"]}}
        return thing

    on_change("networkpolicies", decide)


@mutant("M127")
def deletion_ignored() -> None:
    """A deleted policy stays in effect."""
    on_change("networkpolicies", lambda _, event, thing, __: None if event == "DELETED" else thing)


@mutant("M128")
def last_deletion_ignored() -> None:
    """The deletion of a namespace's last policy is ignored."""

    def decide(store: Store, event: str, thing: Object, _: Object | None) -> Object | None:
        space = thing["metadata"]["namespace"]
        left = [policy for policy in store.policies() if policy["metadata"]["namespace"] == space]
        return None if event == "DELETED" and len(left) == 1 else thing

    on_change("networkpolicies", decide)


@mutant("M129")
def deletion_takes_shared() -> None:
    """The deletion of a policy removes rules that another policy shares with it."""
    gone: set[str] = set()
    right = semantics.rules_of

    def peers(rule: Object) -> str:
        return repr(semantics.peers_of(rule))

    def decide(_: Store, event: str, thing: Object, __: Object | None) -> Object:
        if event == "DELETED":
            gone.update(peers(rule) for way in ("Ingress", "Egress") for rule in right(thing, way))
        return thing

    on_change("networkpolicies", decide)
    semantics.rules_of = lambda policy, direction: [r for r in right(policy, direction) if peers(r) not in gone]


@mutant("M130")
def deletion_takes_equal_ports() -> None:
    """The deletion of a range of ports removes another policy's rule for the first port of the range."""
    gone: set[int] = set()
    right = semantics.numbered_ports

    def decide(_: Store, event: str, thing: Object, __: Object | None) -> Object:
        if event == "DELETED":
            for direction in ("Ingress", "Egress"):
                for rule in semantics.rules_of(thing, direction):
                    gone.update(port.first for port in right(rule) if port.last > port.first)
        return thing

    on_change("networkpolicies", decide)
    semantics.numbered_ports = lambda rule: [p for p in right(rule) if not (p.first in gone and p.first == p.last)]


@mutant("M131")
def recreation_ignored() -> None:
    """A policy that is recreated with the same name is ignored."""
    seen: set[str] = set()

    def decide(_: Store, event: str, thing: Object, __: Object | None) -> Object | None:
        key = objects.key_of(thing)
        if event == "DELETED":
            seen.add(key)
        return None if event == "ADDED" and key in seen else thing

    on_change("networkpolicies", decide)


@mutant("M135")
def one_bad_aborts() -> None:
    """After a policy that the dataplane rejects, no later one is enforced."""
    right = rules.ruleset

    def ruleset(store: Store, node: str, networks: list[str]) -> str:
        text = right(store, node, networks)
        return "nonsense\n" if "sctp" in text else text

    rules.ruleset = ruleset


@mutant("M136")
def first_policy_refreshed() -> None:
    """When a pod changes, only the first policy that refers to it is updated."""
    known: dict[str, dict[str, str]] = {}
    right = semantics.is_peer

    def is_peer(peer: Object, policy: Object, pod: Object, store: Store) -> bool:
        first = min(objects.key_of(one) for one in store.policies())
        if objects.key_of(policy) == first:
            return right(peer, policy, pod, store)
        key = objects.key_of(policy) + objects.key_of(pod)
        labels = known.setdefault(key, objects.labels_of(pod))
        return right(peer, policy, _with_labels(pod, labels), store)

    semantics.is_peer = is_peer


@mutant("M162")
def sets_frozen() -> None:
    """The peers of a policy are resolved once and never updated."""
    known: dict[str, bool] = {}
    right = semantics.is_peer

    def is_peer(peer: Object, policy: Object, pod: Object, store: Store) -> bool:
        key = repr((objects.key_of(policy), policy["metadata"]["generation"], peer, objects.key_of(pod)))
        return known.setdefault(key, right(peer, policy, pod, store))

    semantics.is_peer = is_peer


@mutant("M138")
def crosstalk() -> None:
    """Deleting the ingress state of a pod clears the egress state of another one, until that pod's policies change."""
    last: set[str] = set()
    cleared: dict[str, list[str]] = {}
    isolating, whole = rules.isolating_policies, rules.ruleset

    def names(store: Store, pod: Object, direction: str) -> list[str]:
        return [objects.key_of(policy) for policy in isolating(store, pod, direction)]

    def ruleset(store: Store, node: str, networks: list[str]) -> str:
        local = [pod for pod in store.pods() if pod["spec"].get("nodeName") == node]
        now = {objects.key_of(pod) for pod in local if names(store, pod, "Ingress")}
        freed = last - now
        last.clear()
        last.update(now)
        if freed:
            cleared.update(
                {key: held for pod in local if (key := objects.key_of(pod)) not in freed
                 if (held := names(store, pod, "Egress"))}
            )  # fmt: skip
        return whole(store, node, networks)

    def without(store: Store, pod: Object, direction: str) -> list[Object]:
        found = isolating(store, pod, direction)
        lost = direction == "Egress" and cleared.get(objects.key_of(pod)) == names(store, pod, "Egress")
        return [] if lost else found

    rules.ruleset, rules.isolating_policies = ruleset, without
