"""Mutants of the lifecycle of pods: pods that end, and reused addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fixtures.cnis.reference.engine import semantics
from fixtures.cnis.reference.engine import store as objects
from fixtures.cnis.reference.engine.store import Store
from tests.sensitivity.mutants.registry import mutant

if TYPE_CHECKING:
    from fixtures.cnis.reference.engine.store import Object

HAS_ADDRESS = objects.has_address


def _finished(pod: Object) -> bool:
    return pod["status"].get("phase") in objects.FINISHED


def _as_running(pod: Object) -> Object:
    return {**pod, "status": {**pod["status"], "phase": "Running"}}


@mutant("M105")
def completed_subject() -> None:
    """The address of a completed pod stays isolated."""
    objects.has_address = lambda pod: HAS_ADDRESS(_as_running(pod))
    right = semantics.is_peer
    semantics.is_peer = lambda peer, policy, pod, store: not _finished(pod) and right(peer, policy, pod, store)


@mutant("M106")
def completed_peer() -> None:
    """The address of a completed pod stays a peer."""
    objects.has_address = lambda pod: HAS_ADDRESS(_as_running(pod))
    right = semantics.is_subject
    semantics.is_subject = lambda policy, pod: not _finished(pod) and right(policy, pod)


@mutant("M111")
def terminating_gone() -> None:
    """A terminating pod is treated as deleted."""
    objects.has_address = lambda pod: not pod["metadata"].get("deletionTimestamp") and HAS_ADDRESS(pod)


@mutant("M112")
def no_address_poisons() -> None:
    """While a pod has no address, no policy of its namespace is enforced."""
    right = Store.policies

    def policies(self: Store) -> list[Object]:
        waiting = {
            pod["metadata"]["namespace"] for pod in self.kinds["pods"].values() if not pod["status"].get("podIPs")
        }
        return [policy for policy in right(self) if policy["metadata"]["namespace"] not in waiting]

    Store.policies = policies
