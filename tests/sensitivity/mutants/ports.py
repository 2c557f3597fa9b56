"""Mutants of ports: named ports, ranges, protocols."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fixtures.cnis.reference.engine import rules, semantics
from fixtures.cnis.reference.engine import store as objects
from fixtures.cnis.reference.engine.semantics import Others, Ports
from tests.sensitivity.mutants.registry import mutant

if TYPE_CHECKING:
    from fixtures.cnis.reference.engine.store import Object, Store

NUMBERED, NUMBER, RESOLVE, LINE = semantics.numbered_ports, semantics.number, semantics.resolve, rules.line
CONTAINERS, POLICY_LINES, ISOLATES = semantics.containers, rules.policy_lines, semantics.isolates
LAST = 65535


@mutant("M027")
def unsupported_skips_policy() -> None:
    """A policy with a named port, a range or an exception is skipped."""

    def isolates(policy: Object, direction: str) -> bool:
        text = repr(policy["spec"])
        named = any(
            semantics.named_ports(rule) for way in ("Ingress", "Egress") for rule in semantics.rules_of(policy, way)
        )
        return not (named or "endPort" in text or "except" in text) and ISOLATES(policy, direction)

    semantics.isolates = isolates


@mutant("M044")
def resolved_on_peer() -> None:
    """For ingress, a named port is resolved on the source pod."""

    def policy_lines(store: Store, policy: Object, pod: Object, direction: str, version: int) -> list[str]:
        if direction != "Ingress":
            return POLICY_LINES(store, policy, pod, direction, version)
        lines = []
        for rule in semantics.rules_of(policy, direction):
            numbered = {**rule, "ports": [p for p in rule.get("ports") or () if not isinstance(p.get("port"), str)]}
            if numbered["ports"] or not rule.get("ports"):
                lines += [
                    LINE(direction, version, other, ports)
                    for other in semantics.others(rule, policy, store, version)
                    for ports in NUMBERED(numbered)
                ]
            peers = semantics.peers_of(rule)
            pods = [p for peer in peers if not peer.get("ipBlock") for p in semantics.peer_pods(peer, policy, store)]
            for entry in semantics.named_ports(rule):
                for other_pod in pods if peers else store.pods():
                    lines += [
                        LINE(direction, version, Others((address,)), Ports(entry["protocol"], number, number))
                        for number in RESOLVE(entry, other_pod)
                        for address in objects.addresses(other_pod, version)
                    ]
        return lines

    rules.policy_lines = policy_lines


def _resolve_by(numbers_of: object) -> None:
    """Let names be resolved with the whole store at hand."""
    right = rules.policy_lines

    def policy_lines(store: Store, policy: Object, pod: Object, direction: str, version: int) -> list[str]:
        def resolve(entry: Object, on: Object) -> list[int]:
            return list(numbers_of(store, policy, entry, on))  # type: ignore[operator]

        semantics.resolve = resolve
        return right(store, policy, pod, direction, version)

    rules.policy_lines = policy_lines


def _subjects(store: Store, policy: Object) -> list[Object]:
    return sorted((pod for pod in store.pods() if semantics.is_subject(policy, pod)), key=objects.key_of)


@mutant("M045")
def last_pod_only() -> None:
    """A named port works only for the last of the selected pods."""

    def numbers(store: Store, policy: Object, entry: Object, on: Object) -> list[int]:
        subjects = _subjects(store, policy)
        return RESOLVE(entry, on) if not subjects or on is subjects[-1] else []

    _resolve_by(numbers)


@mutant("M046")
def union_of_numbers() -> None:
    """A named port stands for all numbers that any selected pod has for it."""

    def numbers(store: Store, policy: Object, entry: Object, on: Object) -> list[int]:
        return sorted({number for pod in [*_subjects(store, policy), on] for number in RESOLVE(entry, pod)})

    _resolve_by(numbers)


@mutant("M047")
def first_number() -> None:
    """A named port has one number in the whole cluster."""

    def numbers(store: Store, _: Object, entry: Object, __: Object) -> list[int]:
        for pod in sorted(store.pods(), key=objects.key_of):
            if found := RESOLVE(entry, pod):
                return found
        return []

    _resolve_by(numbers)


@mutant("M048")
def first_container() -> None:
    """Named ports of containers after the first one are ignored."""
    semantics.containers = lambda pod: CONTAINERS(pod)[:1]


@mutant("M049")
def named_is_any() -> None:
    """A rule with a named port allows every port of the protocol."""

    def numbered_ports(rule: Object) -> list[Ports]:
        return NUMBERED(rule) + [Ports(entry["protocol"]) for entry in semantics.named_ports(rule)]

    semantics.numbered_ports = numbered_ports


@mutant("M050")
def name_without_protocol() -> None:
    """A named port is resolved without regard to its protocol."""

    def resolve(entry: Object, pod: Object) -> list[int]:
        ports = [port for container in CONTAINERS(pod) for port in container.get("ports") or ()]
        return [port["containerPort"] for port in ports if port.get("name") == entry["port"]]

    semantics.resolve = resolve


@mutant("M051")
def empty_entry_lost() -> None:
    """An empty entry of ports is ignored beside other entries."""

    def numbered_ports(rule: Object) -> list[Ports]:
        entries = rule.get("ports") or []
        kept = [entry for entry in entries if entry.get("port") is not None] or entries
        return NUMBERED({**rule, "ports": kept})

    semantics.numbered_ports = numbered_ports


@mutant("M052")
def protocol_alone_none() -> None:
    """An entry of ports with a protocol and no port matches nothing."""

    def numbered_ports(rule: Object) -> list[Ports]:
        return [port for port in NUMBERED(rule) if port.first or not port.protocol]

    semantics.numbered_ports = numbered_ports


@mutant("M053")
def no_ports_none() -> None:
    """A rule without ports matches nothing."""
    semantics.numbered_ports = lambda rule: NUMBERED(rule) if rule.get("ports") else []


@mutant("M054")
def end_ignored() -> None:
    """EndPort is ignored."""
    semantics.number = lambda entry: NUMBER({**entry, "endPort": None})


@mutant("M055")
def end_exclusive() -> None:
    """The last port of a range is not in it."""

    def number(entry: Object) -> Ports:
        end = entry.get("endPort")
        return NUMBER({**entry, "endPort": max(end - 1, entry["port"])} if end else entry)

    semantics.number = number


@mutant("M056")
def end_wraps() -> None:
    """A range of ports that ends at 65535 is empty."""

    def numbered_ports(rule: Object) -> list[Ports]:
        return [port for port in NUMBERED(rule) if port.last != LAST]

    semantics.numbered_ports = numbered_ports


@mutant("M057")
def other_is_tcp() -> None:
    """Every protocol except UDP is treated as TCP."""

    def number(entry: Object) -> Ports:
        return NUMBER({**entry, "protocol": "UDP" if entry["protocol"] == "UDP" else "TCP"})

    semantics.number = number


@mutant("M059")
def protocol_ignored() -> None:
    """A rule for a port of one protocol allows the port for every protocol."""

    def numbered_ports(rule: Object) -> list[Ports]:
        return [
            Ports(protocol, port.first, port.last)
            for port in NUMBERED(rule)
            for protocol in (("TCP", "UDP", "SCTP") if port.first else (port.protocol,))
        ]

    semantics.numbered_ports = numbered_ports


@mutant("M060")
def dns_always() -> None:
    """UDP port 53 is always allowed."""
    right = rules.forward_chain

    def forward_chain(networks: list[str], dispatch: list[str]) -> list[str]:
        return right(networks, ["udp dport 53 accept", *dispatch])

    rules.forward_chain = forward_chain
