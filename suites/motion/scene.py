"""Two states of the base world for cases in which agents are away: what restarts of engines got wrong in the past.

A policy without rules, an ipBlock, selectors of pods and of namespaces with a named port, and egress.  From the first
state to the second a policy is deleted, one is created, one is edited, and a pod is relabelled.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fixtures.workspaces.changing import ALLOWED, PROTOCOLS, Watched
from fixtures.workspaces.probing import flows
from policies import base_world
from policies.families import of_family
from policies.model import EGRESS, IpBlock, PodPeer, Policy, PortRule, Rule, Selector
from policies.oracle import Decision, Path

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fixtures.workspaces.judge import Judge
    from fixtures.workspaces.workspace import Workspace
    from policies.families import Family
    from policies.model import World

RELABELLED, CREATED_AGAIN = "x/b", "y/a"  # both on the first node


@dataclass(frozen=True)
class Scene:
    """A state of a workspace in which flows are denied and allowed.

    Attributes:
        world: the state.
        later: another state of the same pods.
        watched: flows that are the same in both: to each pod, by TCP and UDP, a denied and an allowed one.
    """

    world: World
    later: World
    watched: Sequence[Watched]


def of(workspace: Workspace, judge: Judge, path: Path = Path.POD_IP) -> Scene:
    """The scene with the addresses of a workspace; flows go by a path."""
    base = base_world.build()
    pods = tuple(replace(pod, labels=(("pod", "other"),)) if pod.key == RELABELLED else pod for pod in base.pods)
    first, second = _policies(judge.family)
    world = workspace.with_live_addresses(replace(base, policies=first))
    later = workspace.with_live_addresses(replace(base, pods=pods, policies=second))
    return Scene(world, later, tuple(_unchanged(workspace, world, later, judge, path)))


def _policies(family: Family) -> tuple[tuple[Policy, ...], tuple[Policy, ...]]:
    """The policies of the two states."""
    client = of_family(base_world.MODEL_IPS["x/a"], family)
    by_block = Rule(peers=(IpBlock(f"{client}/{family.bits}"),))
    by_selectors = Rule((PodPeer(Selector((("ns", "y"),)), Selector((("pod", "b"),))),), (PortRule("tcp", "web"),))
    stay = (
        Policy("y", "by-block", Selector((("pod", "a"),)), ingress=(by_block,)),
        Policy("x", "by-selectors", Selector((("pod", "a"),)), ingress=(by_selectors,)),
        Policy("y", "closed", Selector((("pod", "b"),))),
    )
    out = Policy("z", "out", types=frozenset({EGRESS}), egress=(Rule((PodPeer(pods=Selector()),)),))
    more = Rule((PodPeer(Selector((("ns", "x"),))),), (PortRule("tcp", 80),))
    going = Policy("x", "going", Selector((("pod", "b"),)))
    coming = Policy("y", "coming", Selector((("pod", "a"),)), types=frozenset({EGRESS}))
    return (*stay, out, going), (*stay, replace(out, egress=(*out.egress, more)), coming)


def _unchanged(workspace: Workspace, world: World, later: World, judge: Judge, path: Path) -> Iterator[Watched]:
    """By TCP and by UDP, a denied and an allowed flow to each pod of which both states decide the same."""
    after = {flow.key: flow for flow in flows(workspace, later, judge)}
    seen = set[tuple[str, str, Decision]]()
    for flow in flows(workspace, world, judge):
        watchable = flow.query.path is path and flow.query.protocol in PROTOCOLS
        if not watchable or flow.source == flow.destination or {flow.source, flow.destination} - {*base_world.KEYS}:
            continue
        key = flow.query.protocol, flow.destination, flow.decision
        if after[flow.key].decision is flow.decision and flow.decision is not Decision.UNDEFINED and key not in seen:
            seen.add(key)
            allowed = flow.decision is ALLOWED
            yield Watched(flow, allowed, allowed)
