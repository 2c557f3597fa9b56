"""Mutants of recreated objects: connections, pods, replicas, namespaces; and events in an unusual order."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from fixtures.cnis.reference.engine import rules
from fixtures.cnis.reference.engine import store as objects
from fixtures.cnis.reference.engine.store import Store
from tests.sensitivity.mutants.events import on_change
from tests.sensitivity.mutants.registry import mutant

if TYPE_CHECKING:
    from fixtures.cnis.reference.engine.store import Object

RULESET, FORWARD, ADDRESSES, CHANGE = rules.ruleset, rules.forward_chain, objects.addresses, Store.change
LATE = 3.0  # seconds after its creation during which a namespace is treated as unknown
RACE = 2.0  # seconds during which a policy is processed
KNOWN = 0x100000  # mark of packets of tracked connections; kube-proxy and flannel use other bits
# A table of its own: the engine's is replaced with every change, and tracked connections have to outlive one.
ESTABLISHED = "netproof_established"
TUPLE = "ip saddr . tcp sport . ip daddr . tcp dport"
TABLE = f"""
table inet {ESTABLISHED} {{
  set known {{ type ipv4_addr . inet_service . ipv4_addr . inet_service; flags dynamic,timeout; timeout 60s; }}
  chain before {{ type filter hook forward priority -20; policy accept; }}
  chain after {{ type filter hook forward priority 20; policy accept; }}
}}
flush chain inet {ESTABLISHED} before
flush chain inet {ESTABLISHED} after
add rule inet {ESTABLISHED} before meta l4proto tcp {TUPLE} @known meta mark set mark or {KNOWN}
add rule inet {ESTABLISHED} after meta l4proto tcp tcp flags syn add @known {{ {TUPLE} }}
"""


def _known_pass(networks: list[str], dispatch: list[str]) -> list[str]:
    return FORWARD(networks, [f"meta mark & {KNOWN} == {KNOWN} accept", *dispatch])


def _ips(pod: Object) -> list[str]:
    return [entry["ip"] for entry in pod["status"].get("podIPs") or ()]


@mutant("M079")
def known_ports_skip() -> None:
    """A connection with the addresses and ports of an earlier one is not filtered."""
    rules.forward_chain = _known_pass
    rules.ruleset = lambda store, node, networks: RULESET(store, node, networks) + TABLE


@mutant("M080")
def known_ports_outlive_pods() -> None:
    """Tracked connections of a deleted pod apply to the next pod with its address."""
    seen: list[str] = []
    rules.forward_chain = _known_pass

    def ruleset(store: Store, node: str, networks: list[str]) -> str:
        policies = repr(store.policies())
        forget = f"flush set inet {ESTABLISHED} known\n" if seen != [policies] else ""
        seen[:] = [policies]
        return RULESET(store, node, networks) + TABLE + forget

    rules.ruleset = ruleset


@mutant("M107")
def deleted_by_address() -> None:
    """The deletion of a pod removes its addresses even if another pod has them now."""
    gone: set[str] = set()

    def decide(_: Store, event: str, thing: Object, __: Object | None) -> Object:
        (gone.update if event == "DELETED" else gone.difference_update)(_ips(thing))
        return thing

    on_change("pods", decide)
    objects.addresses = lambda pod, version: [ip for ip in ADDRESSES(pod, version) if ip not in gone]


@mutant("M108")
def old_addresses_stay() -> None:
    """A pod that is recreated with the same name keeps its earlier addresses."""
    had: dict[str, list[str]] = {}

    def decide(_: Store, __: str, thing: Object, ___: Object | None) -> Object:
        known = had.setdefault(objects.key_of(thing), [])
        known += [ip for ip in _ips(thing) if ip not in known]
        return thing

    def addresses(pod: Object, version: int) -> list[str]:
        now = ADDRESSES(pod, version)
        return now + [ip for ip in had.get(objects.key_of(pod), ()) if (":" in ip) == (version == 6) and ip not in now]

    on_change("pods", decide)
    objects.addresses = addresses


@mutant("M109")
def late_teardown() -> None:
    """The late teardown of a pod removes a new pod with the same name."""
    pending: set[str] = set()

    def decide(store: Store, event: str, thing: Object, _: Object | None) -> Object:
        key, pods = objects.key_of(thing), store.kinds["pods"]
        for late in [late for late in pending - {key} if late in pods and _ips(pods[late])]:
            pods.pop(late)
            pending.discard(late)
        if event == "DELETED":
            pending.add(key)
        return thing

    on_change("pods", decide)


@mutant("M110")
def replicas_share() -> None:
    """The deletion of a pod removes all pods with the same prefix of the name, such as other replicas."""

    def decide(store: Store, event: str, thing: Object, __: Object | None) -> Object:
        if event == "DELETED":
            group = objects.key_of(thing).rpartition("-")[0]
            for key in [key for key in store.kinds["pods"] if group and key.rpartition("-")[0] == group]:
                store.kinds["pods"].pop(key)
        return thing

    on_change("pods", decide)


@mutant("M122")
def late_namespace() -> None:
    """A namespace whose event arrives after that of its first pod never matches a namespaceSelector."""
    created: dict[str, float] = {}
    frozen: dict[str, dict[str, str]] = {}
    right = Store.namespace_labels

    def change(self: Store, kind: str, event: str, thing: Object) -> None:
        if kind == "namespaces" and event == "ADDED":
            created[objects.key_of(thing)] = time.monotonic()
        if kind == "pods" and event == "ADDED":
            name = thing["metadata"]["namespace"]
            if time.monotonic() - created.get(name, 0.0) < LATE:
                frozen.setdefault(name, {})
        CHANGE(self, kind, event, thing)

    def namespace_labels(self: Store, name: str) -> dict[str, str]:
        return frozen[name] if name in frozen else right(self, name)

    Store.change = change
    Store.namespace_labels = namespace_labels


@mutant("M123")
def namespace_stays() -> None:
    """The labels of a deleted namespace apply to a new one with the same name."""
    on_change(
        "namespaces",
        lambda _, event, thing, old: None if event == "DELETED" or (event, bool(old)) == ("ADDED", True) else thing,
    )


@mutant("M137")
def span_missed() -> None:
    """A policy is not enforced for a pod that is created while the policy is processed."""
    arrived: dict[str, float] = {}
    right = rules.isolating_policies

    def change(self: Store, kind: str, event: str, thing: Object) -> None:
        if event == "ADDED":
            arrived[f"{kind} {objects.key_of(thing)}"] = time.monotonic()
        CHANGE(self, kind, event, thing)

    def missed(policy: Object, pod: Object) -> bool:
        first = arrived.get(f"networkpolicies {objects.key_of(policy)}")
        later = arrived.get(f"pods {objects.key_of(pod)}")
        return first is not None and later is not None and 0 <= later - first < RACE

    Store.change = change
    rules.isolating_policies = lambda store, pod, direction: [
        policy for policy in right(store, pod, direction) if not missed(policy, pod)
    ]
