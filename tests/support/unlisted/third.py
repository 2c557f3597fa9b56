"""11 mutants that were drawn by dice, from the kinds of the second ones, after states were widened for those."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from fixtures.cnis.reference.engine import semantics
from fixtures.cnis.reference.engine import store as objects
from tests.support.unlisted.planting import (
    HOLDS,
    LABELS_OF,
    RULES_OF,
    expressions_by,
    ignored,
    labels_by,
    of_rules,
    ports_by,
    unlisted,
    updates_by,
    without_port,
)

if TYPE_CHECKING:
    from fixtures.cnis.reference.engine.semantics import Ports
    from fixtures.cnis.reference.engine.store import Object

RESOLVE = semantics.resolve
FEW_LABELS = 4


@unlisted("Y01")
def even_ends() -> None:
    """A range of ports that ends with an even port lacks that port, which no mask of several ports covers."""
    ports_by(lambda port: replace(port, last=port.last - 1) if port.last > port.first and not port.last % 2 else port)


@unlisted("Y02")
def dots_as_hyphens() -> None:
    """Values of labels with a dot and with a hyphen are the same."""
    labels_by(lambda key, value: (key, value.replace(".", "-")))


@unlisted("Y03")
def port_update_ignored() -> None:
    """An update that changes nothing but numbers of ports is ignored."""
    ignored("networkpolicies", lambda policy: of_rules(policy, lambda rule: without_port(rule, "port")))


@unlisted("Y04")
def one_name_of_a_number() -> None:
    """Of two names that a pod declares for a port of a protocol, the last one is known."""

    def resolve(entry: Object, pod: Object) -> list[int]:
        last = {
            (port["containerPort"], port["protocol"]): port
            for container in pod["spec"]["containers"]
            for port in container["ports"]
        }
        return RESOLVE(entry, {**pod, "spec": {**pod["spec"], "containers": [{"ports": list(last.values())}]}})

    semantics.resolve = resolve


@unlisted("Y05")
def values_by_beginning() -> None:
    """In matches values that begin with one of its values."""

    def holds(expression: Object, labels: dict[str, str]) -> bool:
        value = labels.get(expression["key"])
        if expression["operator"] == "In" and value is not None:
            return any(value.startswith(one) for one in expression["values"])
        return HOLDS(expression, labels)

    semantics.holds = holds


@unlisted("Y06")
def surplus_rules_stay() -> None:
    """An update of a policy to fewer egress rules leaves the last ones of before in effect."""

    def change(old: Object, new: Object) -> Object:
        rules = RULES_OF(new, "Egress")
        return {**new, "spec": {**new["spec"], "egress": rules + RULES_OF(old, "Egress")[len(rules) :]}}

    updates_by(change)


@unlisted("Y07")
def few_labels() -> None:
    """Only the first 4 labels of a pod are known, in the order of their keys."""

    def labels_of(thing: Object) -> dict[str, str]:
        labels = LABELS_OF(thing)
        return dict(sorted(labels.items())[:FEW_LABELS]) if "spec" in thing else labels

    objects.labels_of = labels_of


@unlisted("Y08")
def single_sctp_ports() -> None:
    """Of a range of SCTP ports the first one is enforced."""

    def change(port: Ports) -> Ports | None:
        return replace(port, last=port.first) if port.protocol == "SCTP" else port

    ports_by(change)


@unlisted("Y09")
def operator_update_ignored() -> None:
    """An update that changes nothing but operators of selectors is ignored."""

    def plain(selector: Object | None) -> object:
        return selector and expressions_by(selector, lambda row: {**row, "operator": ""})

    def of_rule(rule: Object) -> object:
        peers = [
            [plain(peer.get(part)) for part in ("namespaceSelector", "podSelector")] + [peer.get("ipBlock")]
            for peer in semantics.peers_of(rule)
        ]
        return peers, rule.get("ports")

    def without(policy: Object) -> object:
        spec = {**policy["spec"], "podSelector": plain(policy["spec"]["podSelector"])}
        return of_rules({**policy, "spec": spec}, of_rule)

    ignored("networkpolicies", without)


@unlisted("Y10")
def keys_without_case() -> None:
    """Keys of labels are compared without regard to case."""
    labels_by(lambda key, value: (key.lower(), value))


@unlisted("Y11")
def order_of_ports_loses_last() -> None:
    """An update that changes the order of a rule's ports loses the last one."""

    def change(old: Object, new: Object) -> Object:
        spec = dict(new["spec"])
        for direction in ("Ingress", "Egress"):
            pairs = list(zip(RULES_OF(old, direction), RULES_OF(new, direction), strict=False))
            more = RULES_OF(new, direction)[len(pairs) :]
            spec[direction.lower()] = [_cut_if_ordered(before, after) for before, after in pairs] + more
        return {**new, "spec": spec}

    def _cut_if_ordered(before: Object, after: Object) -> Object:
        ports = [rule.get("ports") or [] for rule in (before, after)]
        ordered = ports[0] != ports[1] and sorted(map(repr, ports[0])) == sorted(map(repr, ports[1]))
        return {**after, "ports": ports[1][:-1]} if ordered else after

    updates_by(change)
