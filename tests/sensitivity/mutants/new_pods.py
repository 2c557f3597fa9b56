"""Mutants of an agent that learns of new pods: open or closed at first, peers and addresses that lag."""

from __future__ import annotations

import json
import subprocess
import time
from typing import TYPE_CHECKING

from fixtures.cnis.reference.engine import __main__ as engine
from fixtures.cnis.reference.engine import rules, semantics
from fixtures.cnis.reference.engine import store as objects
from fixtures.cnis.reference.engine.store import Store
from tests.sensitivity.mutants.registry import mutant
from tests.sensitivity.mutants.shared import SAVED, beside_the_agent, nft

if TYPE_CHECKING:
    from fixtures.cnis.reference.engine.store import Object

CHANGE, REPLACE, ENFORCE = Store.change, Store.replace, engine.Agent.enforce
ISOLATING, PEER, FORWARD = rules.isolating_policies, semantics.is_peer, rules.forward_chain
OPEN, CLOSED, RESYNC = 0.5, 3.0, 5.0  # seconds


def _seen() -> dict[str, float]:
    """When each pod was first seen with an address: filled while the agent runs."""
    seen: dict[str, float] = {}

    def note(pod: Object) -> None:
        if pod.get("status", {}).get("podIPs"):
            seen.setdefault(f"{objects.key_of(pod)} {pod['metadata']['uid']}", time.monotonic())

    def change(self: Store, kind: str, event: str, thing: Object) -> None:
        if kind == "pods":
            note(thing)
        CHANGE(self, kind, event, thing)

    Store.change = change
    return seen


def _age(seen: dict[str, float], pod: Object) -> float:
    """Seconds since a pod was first seen with an address; those that were listed are old."""
    first = seen.get(f"{objects.key_of(pod)} {pod['metadata']['uid']}")
    return float("inf") if first is None else time.monotonic() - first


def _again(seconds: float) -> None:
    """Let the agent write its rules again and again."""

    def ask(agent: engine.Agent) -> None:
        while True:
            time.sleep(seconds)
            agent.changes.put(("pods", lambda: None))

    beside_the_agent(ask)


@mutant("M113")
def open_at_first() -> None:
    """A new pod is open for half a second after the agent has seen its address."""
    seen = _seen()
    _again(OPEN / 5)
    rules.isolating_policies = lambda store, pod, direction: (
        ISOLATING(store, pod, direction) if _age(seen, pod) > OPEN else []
    )
    rules.forward_chain = lambda networks, dispatch: [
        line for line in FORWARD(networks, dispatch) if "@known" not in line
    ]


@mutant("M114")
def closed_at_first() -> None:
    """Nothing is allowed to or from a new pod for three seconds after the agent has seen its address."""
    seen = _seen()
    _again(CLOSED / 10)
    lines = rules.policy_lines

    def policy_lines(store: Store, policy: Object, pod: Object, direction: str, version: int) -> list[str]:
        return lines(store, policy, pod, direction, version) if _age(seen, pod) > CLOSED else []

    rules.policy_lines = policy_lines


@mutant("M115")
def peers_at_resync() -> None:
    """A new pod is a peer from the next resync on, up to five seconds later."""
    seen = _seen()
    _again(RESYNC)
    begun = time.monotonic()

    def is_peer(peer: Object, policy: Object, pod: Object, store: Store) -> bool:
        age, since = _age(seen, pod), (time.monotonic() - begun) % RESYNC
        return age > since and PEER(peer, policy, pod, store)

    semantics.is_peer = is_peer


@mutant("M084")
def replies_unknown() -> None:
    """Replies are dropped on connections that a pod opened before the agent has seen its address."""
    right = engine.Agent.enforce
    known: set[str] = set()

    def enforce(self: engine.Agent, networks: list[str]) -> None:
        right(self, networks)
        new = {
            address
            for pod in self.store.pods()
            if pod["spec"].get("nodeName") == self.node
            for address in objects.addresses(pod, 4)
        } - known
        if known:
            for address in new:
                _drop_replies(address)
        known.update(new)

    engine.Agent.enforce = enforce
    rules.forward_chain = lambda networks, dispatch: [
        line for line in FORWARD(networks, dispatch) if "@known" not in line
    ]


def _drop_replies(address: str) -> None:
    """Mark the connections that an address has, and drop the replies of marked ones."""
    listed = subprocess.run(
        ["conntrack", "-L", "-p", "tcp", "-s", address, "-o", "extended"], capture_output=True, text=True, check=False
    )
    ports = [
        part.partition("=")[2]
        for line in listed.stdout.splitlines()
        if "ESTABLISHED" in line
        for part in line.split()
        if part.startswith("sport=")
    ][::2]
    rule = f"add rule inet unknown_replies forward ip daddr {address} tcp dport"
    drop = "".join(f"{rule} {port} drop\n" for port in ports)
    chain = "add chain inet unknown_replies forward { type filter hook forward priority -20; }\n"
    nft(f"add table inet unknown_replies\n{chain}{drop}")


@mutant("M146")
def addresses_of_deleted_pods() -> None:
    """Addresses of pods that were deleted while the agent was away stay peers."""

    def replace(self: Store, kind: str, items: list[Object]) -> None:
        if kind == "pods":
            now = {(objects.key_of(pod), pod["metadata"]["uid"]) for pod in items}
            old = json.loads(SAVED.read_text()) if SAVED.exists() else [*self.kinds["pods"].values()]
            gone = [pod for pod in old if (objects.key_of(pod), pod["metadata"]["uid"]) not in now]
            for pod in gone:
                pod["metadata"]["name"] += f".{pod['metadata']['uid']}"
            items = [*items, *gone]
        REPLACE(self, kind, items)

    def enforce(self: engine.Agent, networks: list[str]) -> None:
        ENFORCE(self, networks)
        SAVED.write_text(json.dumps([*self.store.kinds["pods"].values()]))

    Store.replace, engine.Agent.enforce = replace, enforce
