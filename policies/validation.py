"""The validation rules of the API for NetworkPolicy manifests.

Source: networking.k8s.io/v1 validation; clauses 20, 23, 32, 40.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

from policies.invalid import InvalidPolicyError

Path = tuple[str | int, ...]

NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?")
PORT_NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
LONGEST_LABEL, LONGEST_PORT_NAME, LONGEST_NAME, LAST_PORT = 63, 15, 253, 65535

FIELDS: dict[str, frozenset[str]] = {
    "spec": frozenset({"podSelector", "policyTypes", "ingress", "egress"}),
    "ingress": frozenset({"from", "ports"}),
    "egress": frozenset({"to", "ports"}),
    "peer": frozenset({"podSelector", "namespaceSelector", "ipBlock"}),
    "port": frozenset({"protocol", "port", "endPort"}),
    "selector": frozenset({"matchLabels", "matchExpressions"}),
    "expression": frozenset({"key", "operator", "values"}),
    "block": frozenset({"cidr", "except"}),
}


def check(manifest: dict[str, Any]) -> None:
    """Validate a manifest.

    Raises:
        InvalidPolicyError: it violates a rule; the error names field and rule.
    """
    if manifest.get("kind") != "NetworkPolicy" or manifest.get("apiVersion") != "networking.k8s.io/v1":
        raise InvalidPolicyError(("kind",), "must be NetworkPolicy of networking.k8s.io/v1")
    metadata = _table(manifest.get("metadata"), ("metadata",))
    _name(metadata.get("name"), ("metadata", "name"))
    spec = _table(manifest.get("spec"), ("spec",))
    _known(spec, "spec", ("spec",))
    _selector(spec.get("podSelector"), ("spec", "podSelector"))
    _types(spec.get("policyTypes"), ("spec", "policyTypes"))
    for direction, ends in (("ingress", "from"), ("egress", "to")):
        for index, rule in enumerate(_list(spec.get(direction), ("spec", direction))):
            path = ("spec", direction, index)
            _known(_table(rule, path, empty=True), direction, path)
            for number, peer in enumerate(_list((rule or {}).get(ends), (*path, ends))):
                _peer(peer, (*path, ends, number))
            for number, port in enumerate(_list((rule or {}).get("ports"), (*path, "ports"))):
                _port(port, (*path, "ports", number))


def _table(value: object, path: Path, *, empty: bool = False) -> dict[str, Any]:
    if value is None and empty:
        return {}
    if not isinstance(value, dict):
        raise InvalidPolicyError(path, "must be an object")
    return value


def _list(value: object, path: Path) -> list[Any]:
    if value is not None and not isinstance(value, list):
        raise InvalidPolicyError(path, "must be a list")
    return value or []


def _known(table: dict[str, Any], kind: str, path: Path) -> None:
    for key in table:
        if key not in FIELDS[kind]:
            raise InvalidPolicyError((*path, key), f"is unknown; allowed: {', '.join(sorted(FIELDS[kind]))}")


def _name(value: object, path: Path) -> None:
    parts = value.split(".") if isinstance(value, str) else []
    if not parts or not all(NAME.fullmatch(part) for part in parts) or len(str(value)) > LONGEST_NAME:
        raise InvalidPolicyError(path, f"must be a DNS subdomain of at most {LONGEST_NAME} characters")


def _types(value: object, path: Path) -> None:
    types = _list(value, path)
    for index, item in enumerate(types):
        if item not in {"Ingress", "Egress"}:
            raise InvalidPolicyError((*path, index), "must be Ingress or Egress")
    if len(types) > 2:  # noqa: PLR2004 - there are two directions
        raise InvalidPolicyError(path, "may not have more than two entries")


def _selector(value: object, path: Path) -> None:
    selector = _table(value, path, empty=True)
    _known(selector, "selector", path)
    for key, label in _table(selector.get("matchLabels"), (*path, "matchLabels"), empty=True).items():
        _label_key(key, (*path, "matchLabels", key))
        _label_value(label, (*path, "matchLabels", key))
    for index, expression in enumerate(_list(selector.get("matchExpressions"), (*path, "matchExpressions"))):
        _expression(expression, (*path, "matchExpressions", index))


def _expression(value: object, path: Path) -> None:
    expression = _table(value, path)
    _known(expression, "expression", path)
    _label_key(expression.get("key"), (*path, "key"))
    operator, values = expression.get("operator"), _list(expression.get("values"), (*path, "values"))
    if operator in {"In", "NotIn"}:
        if not values:
            raise InvalidPolicyError((*path, "values"), f"must have entries when operator is {operator}")
    elif operator in {"Exists", "DoesNotExist"}:
        if values:
            raise InvalidPolicyError((*path, "values"), f"must be empty when operator is {operator}")
    else:
        raise InvalidPolicyError((*path, "operator"), "must be In, NotIn, Exists or DoesNotExist")
    for index, item in enumerate(values):
        _label_value(item, (*path, "values", index))


def _label_key(value: object, path: Path) -> None:
    prefix, slash, name = str(value).rpartition("/")
    if not isinstance(value, str) or not name or not VALUE.fullmatch(name) or len(name) > LONGEST_LABEL:
        raise InvalidPolicyError(path, f"must be a label key: at most {LONGEST_LABEL} letters, digits, -, _ and .")
    if slash and not all(NAME.fullmatch(part) for part in prefix.split(".")):
        raise InvalidPolicyError(path, "must have a DNS subdomain before the slash")


def _label_value(value: object, path: Path) -> None:
    if not isinstance(value, str) or not VALUE.fullmatch(value) or len(value) > LONGEST_LABEL:
        raise InvalidPolicyError(
            path, f"must be a label value: a text of at most {LONGEST_LABEL} letters, digits, -, _ and ."
        )


def _peer(value: object, path: Path) -> None:
    peer = _table(value, path, empty=True)
    _known(peer, "peer", path)
    present = [key for key in peer if peer[key] is not None]
    if not present:
        raise InvalidPolicyError(path, "must specify a peer")
    if "ipBlock" in present and len(present) > 1:
        raise InvalidPolicyError(path, "may not specify both ipBlock and another peer")
    for key in ("podSelector", "namespaceSelector"):
        _selector(peer.get(key), (*path, key))
    if "ipBlock" in present:
        _block(peer["ipBlock"], (*path, "ipBlock"))


def _block(value: object, path: Path) -> None:
    block = _table(value, path)
    _known(block, "block", path)
    network = _cidr(block.get("cidr"), (*path, "cidr"))
    for index, item in enumerate(_list(block.get("except"), (*path, "except"))):
        inner = _cidr(item, (*path, "except", index))
        inside = inner.version == network.version and inner.network_address in network
        if not inside or inner.prefixlen <= network.prefixlen:
            raise InvalidPolicyError((*path, "except", index), f"must be a strict subset of cidr {block['cidr']}")


def _cidr(value: object, path: Path) -> IPv4Network | IPv6Network:
    try:
        with_length = value if isinstance(value, str) and "/" in value else ""
        return ip_network(with_length, strict=False)  # bits beyond the mask may be stored (clause 28)
    except ValueError as error:
        raise InvalidPolicyError(path, "must be a CIDR, such as 192.0.2.0/24 or 2001:db8::/64") from error


def _port(value: object, path: Path) -> None:
    entry = _table(value, path, empty=True)
    _known(entry, "port", path)
    if entry.get("protocol") not in {None, "TCP", "UDP", "SCTP"}:
        raise InvalidPolicyError((*path, "protocol"), "must be TCP, UDP or SCTP")
    port, end = entry.get("port"), entry.get("endPort")
    if isinstance(port, str):
        if not _is_port_name(port):
            raise InvalidPolicyError(
                (*path, "port"),
                f"must be a port name: at most {LONGEST_PORT_NAME} small letters, digits and single -, one letter",
            )
    elif port is not None and not _is_port(port):
        raise InvalidPolicyError((*path, "port"), f"must be between 1 and {LAST_PORT}")
    if end is not None:
        _end(port, end, (*path, "endPort"))


def _end(port: object, end: object, path: Path) -> None:
    if port is None or isinstance(port, str):
        raise InvalidPolicyError(path, "may not be specified without a numeric port")
    if not _is_port(end) or int(str(end)) < int(str(port)):
        raise InvalidPolicyError(path, f"must be a number from port {port} to {LAST_PORT}")


def _is_port(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= LAST_PORT


def _is_port_name(value: str) -> bool:
    fits = len(value) <= LONGEST_PORT_NAME and PORT_NAME.fullmatch(value) is not None
    return fits and "--" not in value and any(letter.isalpha() for letter in value)
