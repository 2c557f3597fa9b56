"""Changes of a world, as users make them: policies and pods come, change and go; labels become others."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from policies.model import Labels, Policy, World


@dataclass(frozen=True)
class PutPolicy:
    """Create a policy, or update the one of its name."""

    policy: Policy

    def __call__(self, world: World) -> World:
        """The world afterwards; an updated policy keeps its place."""
        if any(policy.key == self.policy.key for policy in world.policies):
            changed = (self.policy if policy.key == self.policy.key else policy for policy in world.policies)
            return world.with_policies(*changed)
        return world.with_policies(*world.policies, self.policy)


@dataclass(frozen=True)
class DeletePolicy:
    """Delete the number-th policy, counted round and round; without effect where there is none."""

    number: int

    def __call__(self, world: World) -> World:
        """The world afterwards."""
        if not world.policies:
            return world
        gone = self.number % len(world.policies)
        return world.with_policies(*(policy for index, policy in enumerate(world.policies) if index != gone))


@dataclass(frozen=True)
class RelabelPod:
    """Give a pod other labels."""

    key: str
    labels: Labels

    def __call__(self, world: World) -> World:
        """The world afterwards."""
        pods = (replace(pod, labels=self.labels) if pod.key == self.key else pod for pod in world.pods)
        return replace(world, pods=tuple(pods))


@dataclass(frozen=True)
class ReplacePod:
    """Delete a pod and create one of its name and labels, which gets another address."""

    key: str

    def __call__(self, world: World) -> World:
        """The world afterwards."""
        pods = (replace(pod, generation=pod.generation + 1) if pod.key == self.key else pod for pod in world.pods)
        return replace(world, pods=tuple(pods))


@dataclass(frozen=True)
class RelabelNamespace:
    """Give a namespace other labels."""

    name: str
    labels: Labels

    def __call__(self, world: World) -> World:
        """The world afterwards."""
        found = (replace(ns, labels=self.labels) if ns.name == self.name else ns for ns in world.namespaces)
        return replace(world, namespaces=tuple(found))


Edit = PutPolicy | DeletePolicy | RelabelPod | ReplacePod | RelabelNamespace


def follow(world: World, edits: tuple[Edit, ...]) -> World:
    """A world after changes."""
    for edit in edits:
        world = edit(world)
    return world
