"""Mutants of nodes: pods in the host network, and node addresses in ipBlocks."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from fixtures.cnis.reference.engine import semantics
from fixtures.cnis.reference.engine import store as objects
from tests.sensitivity.mutants.packets import STATE, add_chains
from tests.sensitivity.mutants.registry import mutant

if TYPE_CHECKING:
    from fixtures.cnis.reference.engine.semantics import Others
    from fixtures.cnis.reference.engine.store import Object, Store

HAS_ADDRESS, OTHERS = objects.has_address, semantics.others
PORTS = "{ 18080, 18081 }"  # of the probe pods in the host network: other ports of the node have to keep working
# The lab's segments, and the addresses that its nodes have in their pod networks.
NODES = ("192.0.2.0/24", "198.51.100.0/24", *(f"10.244.{number}.0/31" for number in range(10)))


def _in_host_network(pod: Object) -> bool:
    return bool(pod["spec"].get("hostNetwork"))


def _count_host_pods() -> None:
    """Count pods in the host network like all others."""
    objects.has_address = lambda pod: HAS_ADDRESS({**pod, "spec": {**pod["spec"], "hostNetwork": False}})


@mutant("M026")
def host_pods_are_peers() -> None:
    """A peer that selects a pod in the host network allows its node's address."""
    _count_host_pods()
    right = semantics.is_subject
    semantics.is_subject = lambda policy, pod: not _in_host_network(pod) and right(policy, pod)


@mutant("M102")
def host_pods_are_subjects() -> None:
    """A policy that selects a pod in the host network isolates the node."""
    _count_host_pods()
    right = semantics.is_peer
    semantics.is_peer = lambda peer, policy, pod, store: not _in_host_network(pod) and right(peer, policy, pod, store)
    chain = [
        "  chain input {", "    type filter hook input priority -10; policy accept;",
        f"    {STATE}", f"    tcp dport {PORTS} ip daddr vmap @ingress4", "  }",
    ]  # fmt: skip
    add_chains(lambda *_: chain)


@mutant("M043")
def not_nodes() -> None:
    """An ipBlock does not match addresses of nodes."""

    def others(rule: Object, policy: Object, store: Store, version: int) -> list[Others]:
        found = OTHERS(rule, policy, store, version)
        if version != 4:
            return found
        return [replace(other, without=(*other.without, *NODES)) if other.network else other for other in found]

    semantics.others = others
