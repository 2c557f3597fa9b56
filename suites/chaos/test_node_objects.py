"""Agents with unusual Node objects: F46."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from fixtures import waiting
from fixtures.clusters.protocol import BREAKABLE
from fixtures.cnis import agents, install
from fixtures.waiting import NeverHappenedError
from reports.outcome import Refuted
from suites.support.marks import changes_agents, disturbs, needs, requirement

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fixtures.testbed.testbed import Testbed
    from suites.support.expect import Expect

PATIENCE = 30.0  # seconds until an agent has annotated its Node or crashed; our patience, it takes about two
EVERY = 0.3  # seconds between the polls that see a controller annotate a Node again; three of them
KEPT = "netproof.invalid/annotated"  # with one annotation, the map that agents write to exists


def annotated(testbed: Testbed, node: str) -> dict[str, str]:
    """A Node's annotations."""
    return dict(testbed.kube.get("nodes", node)["metadata"].get("annotations", {}))


def annotate(testbed: Testbed, node: str, changed: dict[str, str | None]) -> None:
    """Set annotations of a Node; None removes one."""
    testbed.kube.patch("nodes", node, {"metadata": {"annotations": changed}})


@contextmanager
def without_annotations(testbed: Testbed, node: str) -> Iterator[None]:
    """Remove all annotations of a Node for the duration of a block.

    Raises:
        pytest.skip.Exception: a program of the cluster annotates it again at once, as the TTL controller does.
    """
    before = annotated(testbed, node)
    annotate(testbed, node, dict.fromkeys(before))
    try:
        what = f"annotations of {node} that stay removed"
        again = waiting.unchanging(lambda: sorted(annotated(testbed, node)), what, patience=PATIENCE, every=EVERY)
        if again:
            pytest.skip(f"no agent meets a Node without annotations here: {', '.join(again)} is back at once")
        yield
    finally:
        annotate(testbed, node, {**before, KEPT: "yes"})
        for agent in testbed.cni.agents:
            with install.readiness():
                install.wait_for_daemonset(testbed.kube, agent.namespace, agent.daemonset, len(testbed.nodes))
        annotate(testbed, node, {KEPT: None})


@requirement("F46")
@needs(BREAKABLE, "agent-process", "node-annotations")
@disturbs
@changes_agents
def test_an_agent_starts_on_a_node_without_annotations(testbed: Testbed, expect: Expect) -> None:
    """An agent that starts on a Node object without annotations annotates it instead of crashing."""
    node, (agent, *_) = testbed.nodes[-1], testbed.cni.agents
    before = agents.panics(testbed.kube, agent, node)
    with without_annotations(testbed, node):
        agents.delete(testbed.kube, agent, node)

        def decided() -> bool:
            return bool(annotated(testbed, node) or agents.panics(testbed.kube, agent, node) - before)

        try:
            waiting.until(decided, f"{agent.name} on {node} annotating its Node, or crashing", patience=PATIENCE)
        except NeverHappenedError as error:
            raise Refuted(str(error), error.during) from error
        crashed = sorted(agents.panics(testbed.kube, agent, node) - before)
    expect.nothing(crashed, f"{agent.name} crashes on a Node without annotations")
