"""Mutants of changes that follow each other at once, and of cleanup that comes late."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from fixtures.cnis.reference.engine import __main__ as engine
from fixtures.cnis.reference.engine import semantics
from fixtures.cnis.reference.engine import store as objects
from tests.sensitivity.mutants.events import on_change
from tests.sensitivity.mutants.registry import mutant

if TYPE_CHECKING:
    from fixtures.cnis.reference.engine.store import Object, Store

AT_ONCE = 0.1  # seconds after its deletion in which a policy of the same name counts as the deleted one
PER_BLOCK = 0.002  # seconds that the update of a policy takes for each ipBlock
CLEANUP = 25.0  # seconds from the deletion of a namespace to the removal of what is known about its name


@mutant("M166")
def replaced_keeps_spec() -> None:
    """A policy that is created within 100 ms of the deletion of one of its name keeps the spec of that one."""
    deleted: dict[str, tuple[float, Object]] = {}

    def decide(_: Store, event: str, thing: Object, old: Object | None) -> Object:
        key = objects.key_of(thing)
        if event == "DELETED":
            deleted[key] = (time.monotonic(), (old or thing)["spec"])
        elif event == "ADDED" and key in deleted:
            since, spec = deleted.pop(key)
            return {**thing, "spec": spec} if time.monotonic() - since < AT_ONCE else thing
        return thing

    on_change("networkpolicies", decide)


def _blocks(policy: Object) -> int:
    rules = (rule for direction in ("Ingress", "Egress") for rule in semantics.rules_of(policy, direction))
    return sum("ipBlock" in peer for rule in rules for peer in semantics.peers_of(rule))


@mutant("M167")
def edit_during_update_lost() -> None:
    """An edit of a policy is lost while an earlier edit of it is being applied, which takes 2 ms for each ipBlock."""
    applied: dict[str, float] = {}  # by the key of a policy, the monotonic time at which its last edit is applied

    def decide(_: Store, event: str, thing: Object, __: Object | None) -> Object | None:
        key, now = objects.key_of(thing), time.monotonic()
        if event != "MODIFIED":
            applied.pop(key, None)
        elif now < applied.get(key, now):
            return None
        else:
            applied[key] = now + PER_BLOCK * _blocks(thing)
        return thing

    on_change("networkpolicies", decide)


@mutant("M168")
def late_namespace_cleanup() -> None:
    """What the engine knows about a deleted namespace is removed by name 25 seconds later, from a new one, too."""
    agents: list[engine.Agent] = []
    run = engine.Agent.run

    def noted(self: engine.Agent) -> None:
        agents.append(self)
        run(self)

    def decide(store: Store, event: str, thing: Object, _: Object | None) -> Object:
        if event == "DELETED":
            change = ("namespaces", lambda: store.kinds["namespaces"].pop(objects.key_of(thing), None))
            timer = threading.Timer(CLEANUP, agents[0].changes.put, [change])
            timer.daemon = True
            timer.start()
        return thing

    engine.Agent.run = noted
    on_change("namespaces", decide)
