"""Plant a mutant in the reference engine, and remove it again."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from fixtures.cnis.reference.engine import rules, semantics
from fixtures.cnis.reference.engine import store as objects
from fixtures.cnis.reference.engine.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fixtures.cnis.reference.engine.semantics import Ports
    from fixtures.cnis.reference.engine.store import Object

UNLISTED: dict[str, Callable[[], None]] = {}
OWNERS = (semantics, rules, objects, Store)  # whose functions mutants replace
SUBJECT, PEER, SELECTS, HOLDS = semantics.is_subject, semantics.is_peer, semantics.selects, semantics.holds
BLOCK, NUMBERED, RULES_OF, LABELS_OF = semantics.block, semantics.numbered_ports, semantics.rules_of, objects.labels_of
ISOLATES, ISOLATING, CHANGE = semantics.isolates, rules.isolating_policies, Store.change


@contextmanager
def enabled(name: str) -> Iterator[None]:
    """Change the engine to a mutant."""
    right = [(owner, dict(vars(owner))) for owner in OWNERS]
    UNLISTED[name]()
    try:
        yield
    finally:
        for owner, parts in right:
            for part, value in parts.items():
                if vars(owner)[part] is not value:
                    setattr(owner, part, value)


def unlisted(name: str) -> Callable[[Callable[[], None]], Callable[[], None]]:
    """Register a mutant."""

    def register(change: Callable[[], None]) -> Callable[[], None]:
        UNLISTED[name] = change
        return change

    return register


def expressions_by(selector: Object, change: Callable[[Object], Object | None]) -> Object:
    """A selector with a function applied to each of its expressions; None removes the expression."""
    rows = [change(row) for row in selector.get("matchExpressions") or ()]
    return {**selector, "matchExpressions": [row for row in rows if row is not None]}


def subject_by(change: Callable[[Object, dict[str, str]], Object]) -> None:
    """Let subjects be selected by a changed selector; `change` has the selector and the pod's labels."""

    def is_subject(policy: Object, pod: Object) -> bool:
        selector = change(policy["spec"].get("podSelector") or {}, objects.labels_of(pod))
        return SUBJECT({**policy, "spec": {**policy["spec"], "podSelector": selector}}, pod)

    semantics.is_subject = is_subject


def peer_by(part: str, change: Callable[[Object, Object], Object]) -> None:
    """Let peers be selected by a changed selector; `change` has the selector and its peer."""

    def is_peer(peer: Object, policy: Object, pod: Object, store: Store) -> bool:
        changed = {**peer, part: change(peer[part], peer)} if peer.get(part) is not None else peer
        return PEER(changed, policy, pod, store)

    semantics.is_peer = is_peer


def block_by(change: Callable[[Object], Object]) -> None:
    """Let ipBlocks be enforced as changed ones."""
    semantics.block = lambda ip_block, version: BLOCK(change(ip_block), version)


def rules_by(change: Callable[[list[Object]], list[Object]]) -> None:
    """Let the rules of a direction be enforced as changed ones."""
    semantics.rules_of = lambda policy, direction: change(RULES_OF(policy, direction))


def ports_by(change: Callable[[Ports], Ports | None]) -> None:
    """Let each entry of ports without a name be enforced as a changed one; None removes it."""
    semantics.numbered_ports = lambda rule: [p for port in NUMBERED(rule) if (p := change(port)) is not None]


def labels_by(change: Callable[[str, str], tuple[str, str]]) -> None:
    """Let labels and selectors be compared after a function of key and value."""

    def selects(selector: Object, labels: dict[str, str]) -> bool:
        def row(one: Object) -> Object:
            pairs = [change(one["key"], value) for value in one.get("values") or ("",)]
            return {**one, "key": pairs[0][0], "values": [value for _, value in pairs if one.get("values")]}

        required = dict(change(*pair) for pair in (selector.get("matchLabels") or {}).items())
        own = dict(change(*pair) for pair in labels.items())
        return SELECTS({**expressions_by(selector, row), "matchLabels": required}, own)

    semantics.selects = selects


def updates_by(change: Callable[[Object, Object], Object], kind: str = "networkpolicies") -> None:
    """Let updates have another effect; `change` has the old object and the new one, and gives the one to store."""

    def apply(self: Store, what: str, event: str, thing: Object) -> None:
        old = self.kinds[what].get(objects.key_of(thing))
        update = what == kind and event == "MODIFIED" and old is not None
        CHANGE(self, what, event, change(old, thing) if update and old is not None else thing)

    setattr(Store, CHANGE.__name__, apply)


def ignored(kind: str, without: Callable[[Object], object]) -> None:
    """Ignore updates of objects that differ in nothing else than what `without` leaves out."""
    updates_by(lambda old, new: old if without(old) == without(new) else new, kind)


def of_rules(policy: Object, change: Callable[[Object], object]) -> object:
    """A policy's spec with a function applied to each rule."""
    spec = policy["spec"]
    return [{**spec, "ingress": [], "egress": []}] + [
        [change(rule) for rule in RULES_OF(policy, direction)] for direction in ("Ingress", "Egress")
    ]


def without_port(rule: Object, field: str) -> object:
    """A rule without a field of its ports."""
    return {**rule, "ports": [{**entry, field: None} for entry in rule.get("ports") or ()]}
