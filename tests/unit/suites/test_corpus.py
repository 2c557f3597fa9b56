"""The corpus finds the mistakes that its clauses forbid and no mutant makes: on the network without a cluster."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from fixtures.workspaces import fake
from fixtures.workspaces.fake import FakeWorkspace
from fixtures.workspaces.judge import Judge, queries
from fixtures.workspaces.runner import run_case
from policies import cases
from policies.families import Family
from policies.flow import Observation
from policies.model import EVERYTHING, NAMESPACE_LABEL, ContainerPort, IpBlock, PodPeer, Selector

if TYPE_CHECKING:
    from collections.abc import Callable

    from fixtures.probes.fake import Sent
    from fixtures.workspaces.fake import Mistake
    from policies.model import Policy, PortRule, Rule, World

JUDGE = Judge(queries(Family.IPV4, fake.PROTOCOLS), fake.PROFILE, agree=1, patience=0.0)


def in_rules(change: Callable[[Rule], Rule]) -> Mistake:
    """The mistake of an engine that reads every rule as another one."""

    def policy(one: Policy) -> Policy:
        return replace(one, ingress=tuple(map(change, one.ingress)), egress=tuple(map(change, one.egress)))

    return lambda world: world.with_policies(*map(policy, world.policies))


def in_ports(change: Callable[[PortRule], PortRule]) -> Mistake:
    """The mistake of an engine that reads every port of a rule as another one."""
    return in_rules(lambda rule: replace(rule, ports=tuple(map(change, rule.ports))))


def in_pod_peers(change: Callable[[PodPeer], PodPeer]) -> Mistake:
    """The mistake of an engine that reads every peer with selectors as another one."""

    def peers(rule: Rule) -> Rule:
        return replace(rule, peers=tuple(change(one) if isinstance(one, PodPeer) else one for one in rule.peers))

    return in_rules(peers)


def cut_off(selector: Selector | None) -> Selector | None:
    """A selector that does not find the label with a namespace's name."""
    if selector is None:
        return None
    labels = tuple((f"{key}-lost" if key == NAMESPACE_LABEL else key, value) for key, value in selector.labels)
    return replace(selector, labels=labels)


def name_with_blocks_alone(rule: Rule) -> Rule:
    """A rule whose named ports are all ports if its peers are ipBlocks."""
    if not rule.peers or not all(isinstance(one, IpBlock) for one in rule.peers):
        return rule
    return replace(rule, ports=tuple(replace(p, port=None) if isinstance(p.port, str) else p for p in rule.ports))


def guesses_names(world: World) -> World:
    """Every pod has each name that a policy mentions on port 80."""
    rules = [rule for policy in world.policies for rule in (*policy.ingress, *policy.egress)]
    names = {port.port for rule in rules for port in rule.ports if isinstance(port.port, str)}
    guessed = tuple(ContainerPort(80, name) for name in sorted(names))
    pods = (
        replace(p, ports=(*p.ports, *(g for g in guessed if g.name not in {o.name for o in p.ports})))
        for p in world.pods
    )
    return replace(world, pods=tuple(pods))


def ignores_broad_policies_that_come_later() -> Mistake:
    """A policy for all pods of a namespace is lost if there was another one before it."""
    seen: list[str] = []

    def mistake(world: World) -> World:
        current = {policy.key: policy for policy in world.policies}
        seen[:] = [key for key in seen if key in current] + [key for key in sorted(current) if key not in seen]
        return world.with_policies(
            *(current[key] for key in seen if key == seen[0] or current[key].subject != EVERYTHING)
        )

    return mistake


MISTAKES: dict[str, Mistake] = {
    "P16": in_pod_peers(lambda one: replace(one, namespaces=one.namespaces or EVERYTHING)),
    "P19": in_pod_peers(lambda one: replace(one, namespaces=cut_off(one.namespaces))),
    "P37": in_rules(name_with_blocks_alone),
    "P39": guesses_names,
    "P41": in_ports(lambda port: replace(port, end=None)),
    "P66": ignores_broad_policies_that_come_later(),
}


def found_by(requirement: str, workspace: FakeWorkspace) -> list[str]:
    """The cases that answer for a requirement and fail in a workspace."""
    answering = [case for case in cases.corpus() if requirement in case.requirements]
    return [case.id for case in answering if run_case(workspace, case, JUDGE)[-1].wrong]


@pytest.mark.parametrize("requirement", MISTAKES)
def test_a_mistake_is_found_by_a_case_of_its_requirement(requirement: str) -> None:
    """The engine makes one mistake; an engine without it passes the same cases."""
    assert found_by(requirement, FakeWorkspace(fake.bed(), mistake=MISTAKES[requirement]))
    assert not found_by(requirement, FakeWorkspace(fake.bed()))


class NoWayToItself(FakeWorkspace):
    """A workspace whose engine lets an isolated pod not reach itself."""

    def _gives(self, sent: Sent) -> Observation:
        isolated = (
            self.world.policies and sent.source == sent.server and sent.target.host in self.pods[sent.server].ips
        )
        return Observation("timeout") if isolated else super()._gives(sent)


def test_a_pod_that_does_not_reach_itself_is_found() -> None:
    """P49: no policy denies a pod its own address."""
    assert found_by("P49", NoWayToItself(fake.bed()))
    assert not found_by("P49", FakeWorkspace(fake.bed()))
