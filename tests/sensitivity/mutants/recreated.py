"""What comes again: connections, pods, replicas, namespaces; and events in an order that nobody expected."""

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
LATE = 3.0  # seconds after its creation that a namespace counts as unknown
RACE = 2.0  # seconds that a policy is being worked on
KNOWN = 0x100000  # the mark of packets whose ports were seen before; kube-proxy and flannel use others
# A table of its own: the engine's is replaced with every change, and this has to outlive one.
TALKED = "netproof_talked"
TUPLE = "ip saddr . tcp sport . ip daddr . tcp dport"
TABLE = f"""
table inet {TALKED} {{
  set known {{ type ipv4_addr . inet_service . ipv4_addr . inet_service; flags dynamic,timeout; timeout 60s; }}
  chain before {{ type filter hook forward priority -20; policy accept; }}
  chain after {{ type filter hook forward priority 20; policy accept; }}
}}
flush chain inet {TALKED} before
flush chain inet {TALKED} after
add rule inet {TALKED} before meta l4proto tcp {TUPLE} @known meta mark set mark or {KNOWN}
add rule inet {TALKED} after meta l4proto tcp tcp flags syn add @known {{ {TUPLE} }}
"""


def _known_pass(networks: list[str], dispatch: list[str]) -> list[str]:
    return FORWARD(networks, [f"meta mark & {KNOWN} == {KNOWN} accept", *dispatch])


def _ips(pod: Object) -> list[str]:
    return [entry["ip"] for entry in pod["status"].get("podIPs") or ()]


@mutant("M079")
def known_ports_skip() -> None:
    """A connection between ports that were connected before is not judged."""
    rules.forward_chain = _known_pass
    rules.ruleset = lambda store, node, networks: RULESET(store, node, networks) + TABLE


@mutant("M080")
def known_ports_outlive_pods() -> None:
    """What is known of a deleted pod's connections counts for the next owner of its address."""
    seen: list[str] = []
    rules.forward_chain = _known_pass

    def ruleset(store: Store, node: str, networks: list[str]) -> str:
        policies = repr(store.policies())
        forget = f"flush set inet {TALKED} known\n" if seen != [policies] else ""
        seen[:] = [policies]
        return RULESET(store, node, networks) + TABLE + forget

    rules.ruleset = ruleset


@mutant("M107")
def deleted_by_address() -> None:
    """Deleting a pod removes its addresses from the pod that has them by now."""
    gone: set[str] = set()

    def decide(_: Store, event: str, thing: Object, __: Object | None) -> Object:
        (gone.update if event == "DELETED" else gone.difference_update)(_ips(thing))
        return thing

    on_change("pods", decide)
    objects.addresses = lambda pod, version: [ip for ip in ADDRESSES(pod, version) if ip not in gone]


@mutant("M108")
def old_addresses_stay() -> None:
    """A pod that is created again under its name keeps the addresses it had."""
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
    """The late teardown of a pod removes the pod that has its name by then."""
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
    """Deleting a pod clears all whose names begin like its own."""

    def decide(store: Store, event: str, thing: Object, __: Object | None) -> Object:
        if event == "DELETED":
            group = objects.key_of(thing).rpartition("-")[0]
            for key in [key for key in store.kinds["pods"] if group and key.rpartition("-")[0] == group]:
                store.kinds["pods"].pop(key)
        return thing

    on_change("pods", decide)


@mutant("M122")
def late_namespace() -> None:
    """A namespace that becomes known after its first pod never gets into peers."""
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
    """What is known of a deleted namespace counts for the next one of its name."""
    on_change(
        "namespaces",
        lambda _, event, thing, old: None if event == "DELETED" or (event, bool(old)) == ("ADDED", True) else thing,
    )


@mutant("M137")
def span_missed() -> None:
    """A policy does not get to a pod that comes while the policy is being worked on."""
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
