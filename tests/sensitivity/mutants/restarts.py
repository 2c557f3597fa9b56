"""Mutants of an agent's start, of its way to the API server, and of how it writes rules."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from typing import TYPE_CHECKING

from fixtures.cnis.reference.engine import __main__ as engine
from fixtures.cnis.reference.engine import rules, semantics
from fixtures.cnis.reference.engine import store as objects
from fixtures.cnis.reference.engine.store import Store
from tests.sensitivity.mutants.registry import mutant
from tests.sensitivity.mutants.shared import DROP_ALL, OPEN_ALL, SAVED, nft

if TYPE_CHECKING:
    from fixtures.cnis.reference.engine.store import Object

ENFORCE, RUN, REPLACE, RULESET = engine.Agent.enforce, engine.Agent.run, Store.replace, rules.ruleset
BETWEEN = 0.05  # seconds between two parts of an update
SETTLING = 2.0  # seconds after the start in which an agent is not complete
COLLECTED = 1.0  # seconds between two collections of tracked connections
LARGE = 100  # rules of a large policy
LEFT = "netproof_left"  # table of a mutant that leaves sets behind


def _before_run(commands: str) -> None:
    """Let the agent run commands of nft when it starts, before it knows anything."""

    def run(self: engine.Agent) -> None:
        nft(commands)
        time.sleep(BETWEEN)
        RUN(self)

    engine.Agent.run = run


def _strict() -> None:
    """Drop TCP packets in the middle of a connection that is not tracked."""
    forward = rules.forward_chain
    middle = "tcp flags & (fin | syn | rst | ack) != syn ct state new drop"
    rules.forward_chain = lambda networks, dispatch: forward(networks, [middle, *dispatch])


def _forget_connections() -> None:
    subprocess.run(["conntrack", "-F"], check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@mutant("M139")
def two_transactions() -> None:
    """The table is deleted, and written again 50 ms later: between them every pod is open."""

    def enforce(self: engine.Agent, networks: list[str]) -> None:
        if rules.ruleset(self.store, self.node, networks) != self.applied:
            nft(OPEN_ALL)
            time.sleep(BETWEEN)
        ENFORCE(self, networks)

    engine.Agent.enforce = enforce


@mutant("M170")
def closed_between() -> None:
    """During an update everything that is forwarded is dropped for 50 ms."""

    def enforce(self: engine.Agent, networks: list[str]) -> None:
        if rules.ruleset(self.store, self.node, networks) != self.applied:
            nft(DROP_ALL)
            time.sleep(BETWEEN)
        ENFORCE(self, networks)

    engine.Agent.enforce = enforce


@mutant("M142")
def restores_everything() -> None:
    """An update first deletes the tables of others."""

    def enforce(self: engine.Agent, networks: list[str]) -> None:
        if rules.ruleset(self.store, self.node, networks) != self.applied:
            nft("delete table inet netproof_sentinel", may_fail=True)  # there is one during its case only
        ENFORCE(self, networks)

    engine.Agent.enforce = enforce


@mutant("M143")
def open_at_start() -> None:
    """The agent deletes its table when it starts: pods are open until it has listed all objects."""
    _before_run(OPEN_ALL)


@mutant("M144")
def closed_at_start() -> None:
    """The agent drops everything from its start until two seconds later."""

    def run(self: engine.Agent) -> None:
        nft(DROP_ALL)
        time.sleep(SETTLING)
        RUN(self)

    engine.Agent.run = run


@mutant("M145")
def stale_policies() -> None:
    """Policies that were deleted while the agent was away stay in effect."""

    def replace(self: Store, kind: str, items: list[Object]) -> None:
        if kind == "networkpolicies":
            old = json.loads(SAVED.read_text()) if SAVED.exists() else []
            names = {objects.key_of(thing) for thing in items}
            items = [*items, *(thing for thing in old if objects.key_of(thing) not in names)]
        REPLACE(self, kind, items)

    def ruleset(store: Store, node: str, networks: list[str]) -> str:
        SAVED.write_text(json.dumps(store.policies()))
        return RULESET(store, node, networks)

    Store.replace, rules.ruleset = replace, ruleset


@mutant("M147")
def rules_only_after_start() -> None:
    """Policies without rules that exist when the agent starts are forgotten."""

    def replace(self: Store, kind: str, items: list[Object]) -> None:
        if kind == "networkpolicies":
            items = [thing for thing in items if thing["spec"].get("ingress") or thing["spec"].get("egress")]
        REPLACE(self, kind, items)

    Store.replace = replace


@mutant("M149")
def blocks_lost_at_start() -> None:
    """IpBlocks of policies that exist when the agent starts match nothing until the policy is edited."""
    right = semantics.peers_of

    def replace(self: Store, kind: str, items: list[Object]) -> None:
        for thing in items:
            thing["_listed"] = True
            for rule in [*thing.get("spec", {}).get("ingress", ()), *thing.get("spec", {}).get("egress", ())]:
                rule["_listed"] = True
        REPLACE(self, kind, items)

    def peers_of(rule: Object) -> list[Object]:
        lost = {"podSelector": {"matchLabels": {"no": "pod"}}}
        return [lost if peer.get("ipBlock") and rule.get("_listed") else peer for peer in right(rule)]

    Store.replace, semantics.peers_of = replace, peers_of


@mutant("M150")
def old_rules_after_restart() -> None:
    """An agent that finds a table when it starts leaves it as it is."""
    found = subprocess.run(["nft", "list", "table", "inet", rules.TABLE], capture_output=True, check=False)
    if found.returncode == 0 and SAVED.exists():
        engine.Agent.enforce = lambda *_: None
    SAVED.write_text("[]")


@mutant("M152")
def deletions_missed() -> None:
    """What was deleted while the agent did not reach the API server stays."""

    def replace(self: Store, kind: str, items: list[Object]) -> None:
        names = {objects.key_of(thing) for thing in items}
        old = [thing for key, thing in self.kinds[kind].items() if key not in names]
        REPLACE(self, kind, [*items, *old])

    Store.replace = replace


@mutant("M171")
def additions_missed() -> None:
    """What was created while the agent did not reach the API server is not seen."""

    def replace(self: Store, kind: str, items: list[Object]) -> None:
        known = self.kinds[kind]
        REPLACE(self, kind, [thing for thing in items if not known or objects.key_of(thing) in known])

    Store.replace = replace


@mutant("M081")
def connections_collected() -> None:
    """All tracked connections are forgotten every second, and packets of forgotten ones are dropped."""
    _strict()

    def collect() -> None:
        while True:
            time.sleep(COLLECTED)
            _forget_connections()

    def run(self: engine.Agent) -> None:
        threading.Thread(target=collect, daemon=True).start()
        RUN(self)

    engine.Agent.run = run


@mutant("M082")
def connections_end_with_a_change() -> None:
    """Every update of the rules forgets all tracked connections, and packets of forgotten ones are dropped."""
    _strict()

    def enforce(self: engine.Agent, networks: list[str]) -> None:
        changed = rules.ruleset(self.store, self.node, networks) != self.applied
        ENFORCE(self, networks)
        if changed:
            _forget_connections()

    engine.Agent.enforce = enforce


@mutant("M151")
def connections_end_with_a_start() -> None:
    """The start of the agent forgets all tracked connections, and packets of forgotten ones are dropped."""
    _strict()

    def run(self: engine.Agent) -> None:
        _forget_connections()
        RUN(self)

    engine.Agent.run = run


@mutant("M172")
def sets_left() -> None:
    """A set for each address that a pod ever had stays."""
    seen: set[str] = set()

    def enforce(self: engine.Agent, networks: list[str]) -> None:
        ENFORCE(self, networks)
        seen.update(address for pod in self.store.pods() for address in objects.addresses(pod, 4))
        sets = [f"  set of_{address.replace('.', '_')} {{ type ipv4_addr; }}" for address in sorted(seen)]
        nft("\n".join([f"table inet {LEFT} {{", *sets, "}"]))

    engine.Agent.enforce = enforce


@mutant("M182")
def rules_of_large_policies_left() -> None:
    """What the engine makes of the hundredth rule of a policy stays."""
    seen: set[str] = set()

    def enforce(self: engine.Agent, networks: list[str]) -> None:
        ENFORCE(self, networks)
        large = [each for each in self.store.policies() if len(each["spec"].get("ingress") or ()) >= LARGE]
        if names := {each["metadata"]["name"].replace("-", "_") for each in large} - seen:
            seen.update(names)
            nft(
                "\n".join(
                    [f"table inet {LEFT} {{", *(f"  set of_{name} {{ type ipv4_addr; }}" for name in names), "}"]
                )
            )

    engine.Agent.enforce = enforce
