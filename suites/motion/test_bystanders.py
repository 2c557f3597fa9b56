"""What policies, pods and agents leave behind, and what they do to rules of other programs: T06, T07."""

from __future__ import annotations

import itertools
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from fixtures.clusters.protocol import BREAKABLE, NODE_COMMANDS, run_on
from fixtures.cnis import agents
from fixtures.workspaces.probing import settle
from policies import layouts
from reports.outcome import Inconclusive
from suites.motion.node_load import grown, load_of
from suites.support.marks import changes_agents, disturbs, needs, requirement
from suites.support.motion import histories, judge_of
from suites.support.workspaces import require_right

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pytest

    from fixtures.testbed.testbed import Testbed
    from fixtures.workspaces.judge import Judge
    from fixtures.workspaces.pool import WorkspacePool
    from fixtures.workspaces.workspace import Workspace
    from policies.families import Family
    from policies.model import World
    from suites.support.expect import Expect

ROUNDS, STATES = 4, 8  # histories, and states of each, that come and go
CLEANED = 60.0  # seconds until what is gone is removed everywhere; our patience, some engines clean up periodically


class Sentinel(NamedTuple):
    """Rules of netproof's own on a node: the shell commands that create, list and remove them."""

    create: str
    show: str
    remove: str


SENTINELS = {  # a node without the program has none
    "nftables": Sentinel(
        "nft add table inet netproof_sentinel"
        " && nft add set inet netproof_sentinel marked '{ type ipv4_addr; elements = { 192.0.2.1, 192.0.2.2 }; }'"
        " && nft add chain inet netproof_sentinel forward '{ type filter hook forward priority 300; }'"
        " && nft add rule inet netproof_sentinel forward ip saddr @marked drop",
        "nft list table inet netproof_sentinel",
        "nft delete table inet netproof_sentinel",
    ),
    "iptables": Sentinel(
        "iptables -w -N NETPROOF-SENTINEL && iptables -w -A NETPROOF-SENTINEL -s 192.0.2.1 -j DROP"
        " && iptables -w -A FORWARD -s 192.0.2.0/24 -j NETPROOF-SENTINEL",
        "iptables -w -S NETPROOF-SENTINEL; iptables -w -S FORWARD | grep NETPROOF-SENTINEL",
        "iptables -w -D FORWARD -s 192.0.2.0/24 -j NETPROOF-SENTINEL; iptables -w -F NETPROOF-SENTINEL;"
        " iptables -w -X NETPROOF-SENTINEL",
    ),
    "iptables, nat": Sentinel(
        "iptables -w -t nat -N NETPROOF-SENTINEL && iptables -w -t nat -A NETPROOF-SENTINEL -s 192.0.2.1 -j RETURN"
        " && iptables -w -t nat -A POSTROUTING -s 192.0.2.0/24 -j NETPROOF-SENTINEL",
        "iptables -w -t nat -S NETPROOF-SENTINEL; iptables -w -t nat -S POSTROUTING | grep NETPROOF-SENTINEL",
        "iptables -w -t nat -D POSTROUTING -s 192.0.2.0/24 -j NETPROOF-SENTINEL;"
        " iptables -w -t nat -F NETPROOF-SENTINEL; iptables -w -t nat -X NETPROOF-SENTINEL",
    ),
    "ip6tables": Sentinel(
        "ip6tables -w -N NETPROOF-SENTINEL && ip6tables -w -A NETPROOF-SENTINEL -s 2001:db8::1 -j DROP"
        " && ip6tables -w -A FORWARD -s 2001:db8::/64 -j NETPROOF-SENTINEL",
        "ip6tables -w -S NETPROOF-SENTINEL; ip6tables -w -S FORWARD | grep NETPROOF-SENTINEL",
        "ip6tables -w -D FORWARD -s 2001:db8::/64 -j NETPROOF-SENTINEL; ip6tables -w -F NETPROOF-SENTINEL;"
        " ip6tables -w -X NETPROOF-SENTINEL",
    ),
    "ipset": Sentinel(
        "ipset create netproof-sentinel hash:ip && ipset add netproof-sentinel 192.0.2.1",
        "ipset save netproof-sentinel",
        "ipset destroy netproof-sentinel",
    ),
}


def churn(workspace: Workspace, judge: Judge, family: Family, seed: int, expect: Expect) -> None:
    """Apply states of generated histories one after the other, create every pod again, and remove all policies."""
    for history in itertools.islice(histories(family, seed, STATES), ROUNDS):
        for state in history:
            workspace.apply_state(workspace.with_live_addresses(state))
        again = tuple(replace(pod, generation=pod.generation + 1) for pod in workspace.world.pods)
        workspace.replace_pods(replace(workspace.world, pods=again))
    bare = bare_world(workspace)
    require_right(settle(workspace, bare, judge), judge, expect, "pods are not open after all policies are gone")


def bare_world(workspace: Workspace) -> World:
    """The state without policies, of the pods that the workspace has now."""
    generations = {pod.key: pod.generation for pod in workspace.world.pods}
    bare = layouts.bare(workspace.world)
    pods = tuple(replace(pod, generation=generations[pod.key]) for pod in bare.pods)
    return workspace.with_live_addresses(replace(bare, pods=pods))


@requirement("T06")
@needs("network-policy", NODE_COMMANDS)
@disturbs
def test_nothing_grows(
    testbed: Testbed, pool: WorkspacePool, family: Family, expect: Expect, pytestconfig: pytest.Config
) -> None:
    """After policies and pods came and went, a node has no more rules, sets and open files of agents than before."""
    workspace, judge = pool.workspaces[0], judge_of(pool, family)
    seed = pytestconfig.option.seed
    churn(workspace, judge, family, seed, expect)  # what is created for the first policy or pod may stay
    before = load_of(testbed)
    if not any(load.items or +load.files for load in before.values()):
        raise Inconclusive("no node has rules, sets or agents whose open files can be counted")
    churn(workspace, judge, family, seed, expect)
    expect.facts["items before"] = {node: dict(load.items) for node, load in before.items()}
    expect.nothing_soon(lambda: grown(before, load_of(testbed)), "a node keeps more than before", patience=CLEANED)


@contextmanager
def sentinels(testbed: Testbed) -> Iterator[dict[tuple[str, str], str]]:
    """Create the sentinels on the first node; (node, kind) → how they are listed."""
    with ExitStack() as stack:
        listed = {}
        for node in testbed.nodes[:1]:
            for kind, sentinel in SENTINELS.items():
                remove = ["sh", "-c", f"({sentinel.remove}) 2>/dev/null"]
                run_on(testbed.cluster, node, remove, check=False)  # that of a run that was killed
                stack.callback(run_on, testbed.cluster, node, remove, check=False)
                if run_on(testbed.cluster, node, ["sh", "-c", sentinel.create], check=False).code == 0:
                    listed[node, kind] = run_on(testbed.cluster, node, ["sh", "-c", sentinel.show]).out
        yield listed


def changed(testbed: Testbed, listed: dict[tuple[str, str], str]) -> Sequence[str]:
    """The sentinels that are not as they were."""
    lines = []
    for (node, kind), before in listed.items():
        after = run_on(testbed.cluster, node, ["sh", "-c", SENTINELS[kind].show], check=False).out
        if after != before:
            lines.append(f"{node}: {kind}: was\n{before}\nis\n{after}")
    return lines


@requirement("T07")
@needs("network-policy", BREAKABLE)
@disturbs
@changes_agents
def test_rules_of_others_stay(
    testbed: Testbed, pool: WorkspacePool, family: Family, expect: Expect, pytestconfig: pytest.Config
) -> None:
    """Chains, sets and tables of other programs on a node stay while policies change and agents are replaced."""
    workspace, judge = pool.workspaces[0], judge_of(pool, family)
    seed = pytestconfig.option.seed
    with sentinels(testbed) as listed:
        if not listed:
            raise Inconclusive("no node has nft, iptables or ipset")
        expect.facts["sentinels"] = sorted({kind for _, kind in listed})
        churn(workspace, judge, family, seed, expect)
        for agent in testbed.cni.agents:
            agents.replace(testbed.kube, agent, testbed.nodes[0], len(testbed.nodes))
        churn(workspace, judge, family, seed + 1, expect)
        expect.nothing(changed(testbed, listed), "rules of other programs were changed")
