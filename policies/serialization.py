"""NetworkPolicy manifests as values, and back."""

from __future__ import annotations

from typing import Any

from policies import validation
from policies.model import (
    EGRESS,
    EVERYTHING,
    INGRESS,
    PROTOCOLS,
    Direction,
    Expression,
    IpBlock,
    Peer,
    PodPeer,
    Policy,
    PortRule,
    Rule,
    Selector,
    labels,
)

Manifest = dict[str, Any]


def read(manifest: Manifest, namespace: str = "default") -> Policy:
    """The policy of a manifest, with the API's defaults: policyTypes (clause 8), protocol (31), absent lists (10, 12).

    Args:
        manifest: decoded from YAML or JSON.
        namespace: for a manifest without one.

    Raises:
        InvalidPolicyError: the API would reject it.
    """
    validation.check(manifest)
    spec, metadata = manifest["spec"], manifest["metadata"]
    egress = tuple(_rule(rule or {}, "to") for rule in spec.get("egress") or ())
    inferred: list[Direction] = [INGRESS, EGRESS] if egress else [INGRESS]
    return Policy(
        namespace=metadata.get("namespace") or namespace,
        name=metadata["name"],
        subject=_selector(spec.get("podSelector")) or EVERYTHING,
        types=frozenset(spec.get("policyTypes") or inferred),
        ingress=tuple(_rule(rule or {}, "from") for rule in spec.get("ingress") or ()),
        egress=egress,
    )


def _rule(rule: Manifest, ends: str) -> Rule:
    return Rule(
        peers=tuple(_peer(peer) for peer in rule.get(ends) or ()),
        ports=tuple(_port(port or {}) for port in rule.get("ports") or ()),
    )


def _peer(peer: Manifest) -> Peer:
    if block := peer.get("ipBlock"):
        return IpBlock(block["cidr"], tuple(block.get("except") or ()))
    return PodPeer(_selector(peer.get("namespaceSelector")), _selector(peer.get("podSelector")))


def _port(entry: Manifest) -> PortRule:
    protocol = next(known for known in PROTOCOLS if known == (entry.get("protocol") or "TCP").lower())
    return PortRule(protocol, entry.get("port"), entry.get("endPort"))


def _selector(selector: Manifest | None) -> Selector | None:
    if selector is None:
        return None
    return Selector(
        labels=labels(selector.get("matchLabels") or {}),
        expressions=tuple(
            Expression(row["key"], row["operator"], tuple(row.get("values") or ()))
            for row in selector.get("matchExpressions") or ()
        ),
    )


def of(namespace: str, name: str, spec: Manifest) -> Manifest:
    """The manifest of a NetworkPolicy with this spec."""
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec,
    }


def write(policy: Policy) -> Manifest:
    """The manifest of a policy; `read` gives the same policy."""
    spec: Manifest = {
        "podSelector": _write_selector(policy.subject),
        "policyTypes": [direction for direction in (INGRESS, EGRESS) if direction in policy.types],
    }
    if policy.ingress:
        spec["ingress"] = [_write_rule(rule, "from") for rule in policy.ingress]
    if policy.egress:
        spec["egress"] = [_write_rule(rule, "to") for rule in policy.egress]
    return of(policy.namespace, policy.name, spec)


def _write_rule(rule: Rule, ends: str) -> Manifest:
    written: Manifest = {}
    if rule.peers:
        written[ends] = [_write_peer(peer) for peer in rule.peers]
    if rule.ports:
        written["ports"] = [_write_port(port) for port in rule.ports]
    return written


def _write_peer(peer: Peer) -> Manifest:
    if isinstance(peer, IpBlock):
        block: Manifest = {"cidr": peer.cidr}
        return {"ipBlock": block | ({"except": list(peer.exceptions)} if peer.exceptions else {})}
    selectors = {"namespaceSelector": peer.namespaces, "podSelector": peer.pods}
    return {key: _write_selector(selector) for key, selector in selectors.items() if selector is not None}


def _write_port(port: PortRule) -> Manifest:
    fields = {"protocol": port.protocol.upper(), "port": port.port, "endPort": port.end}
    return {key: value for key, value in fields.items() if value is not None}


def _write_selector(selector: Selector) -> Manifest:
    written: Manifest = {}
    if selector.labels:
        written["matchLabels"] = dict(selector.labels)
    if selector.expressions:
        written["matchExpressions"] = [
            {"key": row.key, "operator": row.operator, **({"values": list(row.values)} if row.values else {})}
            for row in selector.expressions
        ]
    return written
