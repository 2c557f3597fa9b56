"""Changes of a world that users make: to policies, pods and labels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from policies.model import Labels, Policy, World


@dataclass(frozen=True)
class PutPolicy:
    """Create a policy, or update the one with its key."""

    policy: Policy

    def __call__(self, world: World) -> World:
        """Apply it; an updated policy keeps its position."""
        if any(policy.key == self.policy.key for policy in world.policies):
            changed = (self.policy if policy.key == self.policy.key else policy for policy in world.policies)
            return world.with_policies(*changed)
        return world.with_policies(*world.policies, self.policy)


@dataclass(frozen=True)
class DeletePolicy:
    """Delete a policy by its position, modulo their number; no effect without policies."""

    number: int

    def __call__(self, world: World) -> World:
        """Apply it to a world."""
        if not world.policies:
            return world
        deleted = self.number % len(world.policies)
        return world.with_policies(*(policy for index, policy in enumerate(world.policies) if index != deleted))


@dataclass(frozen=True)
class RelabelPod:
    """Replace the labels of a pod."""

    key: str
    labels: Labels

    def __call__(self, world: World) -> World:
        """Apply it to a world."""
        pods = (replace(pod, labels=self.labels) if pod.key == self.key else pod for pod in world.pods)
        return replace(world, pods=tuple(pods))


@dataclass(frozen=True)
class ReplacePod:
    """Delete a pod and create it again with the same name and labels; it gets another address."""

    key: str

    def __call__(self, world: World) -> World:
        """Apply it to a world."""
        pods = (replace(pod, generation=pod.generation + 1) if pod.key == self.key else pod for pod in world.pods)
        return replace(world, pods=tuple(pods))


@dataclass(frozen=True)
class RelabelNamespace:
    """Replace the labels of a namespace."""

    name: str
    labels: Labels

    def __call__(self, world: World) -> World:
        """Apply it to a world."""
        namespaces = (replace(ns, labels=self.labels) if ns.name == self.name else ns for ns in world.namespaces)
        return replace(world, namespaces=tuple(namespaces))


Edit = PutPolicy | DeletePolicy | RelabelPod | ReplacePod | RelabelNamespace


def apply_all(world: World, edits: tuple[Edit, ...]) -> World:
    """Apply changes to a world, in order."""
    for edit in edits:
        world = edit(world)
    return world
