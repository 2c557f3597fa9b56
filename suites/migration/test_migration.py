"""Migration to another plugin on a live cluster, with common mistakes, and back: K09, K10."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from fixtures.cnis import replacing
from fixtures.cnis.plugin import Plugin
from fixtures.errors import NetproofError, UsageError
from reports import evidence
from reports.outcome import Refuted
from suites.migration.takeover import Takeover
from suites.support.marks import disturbs, needs, requirement

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fixtures.testbed.testbed import Testbed
    from suites.support.expect import Expect


@dataclass
class Change:
    """The progress of the migration.

    Attributes:
        original: state of nodes with the plugin under test before the migration; it is no leftover on the way back.
        migrated: whether the target plugin is installed, or its installation has begun.
    """

    original: dict[str, set[str]] = field(default_factory=dict)
    migrated: bool = False


@pytest.fixture(scope="module")
def change(testbed: Testbed) -> Iterator[Change]:
    """The migration of this module; at its end the plugin under test is installed again, whichever cases ran."""
    state = Change()
    yield state
    if state.migrated and (target := testbed.migration_target):
        takeover = Takeover(testbed)
        with contextlib.suppress(NetproofError, Refuted):  # later cases report what does not work
            takeover.swap(target, plugin_under_test(testbed), "")
            takeover.recreate_pods()


@pytest.fixture
def takeover(testbed: Testbed) -> Iterator[Takeover]:
    """A new migration; the pods that it creates are deleted in any case."""
    if len(testbed.nodes) < 2:
        pytest.skip("a node with stale configuration needs another node beside it")
    migration = Takeover(testbed)
    yield migration
    migration.clear()


@pytest.fixture
def target(testbed: Testbed) -> Plugin:
    """The plugin of --migrate-to."""
    if testbed.migration_target is None:
        raise UsageError("the cases of a migration need --migrate-to.")
    return testbed.migration_target


def plugin_under_test(testbed: Testbed) -> Plugin:
    """The plugin of --cni with the objects that installed it."""
    return Plugin(testbed.cni, testbed.installed)


def finish(takeover: Takeover, expect: Expect, before: dict[str, set[str]], which: str) -> None:
    """Recreate every pod; then all reach each other, and leftovers of the previous plugin are listed."""
    __tracebackhide__ = True
    takeover.recreate_pods()
    judged = takeover.settled_reachability("with every pod recreated")
    now = replacing.traces(takeover.testbed.cluster, takeover.testbed.nodes)
    left = {node: sorted(before[node] & now[node]) for node in before}
    takeover.lines.append("\nLeft by the previous plugin:")
    takeover.lines += [f"  {node}: {line}" for node, lines in left.items() for line in lines] or ["  nothing"]
    expect.facts["left"] = {node: len(lines) for node, lines in left.items()}
    evidence.attach_text(which, "\n".join(takeover.lines), expect.evidence)
    expect.facts["seen"] = takeover.lines
    shared = takeover.shared()
    during = None if shared else judged.of_time
    expect.nothing([*judged.wrong, *shared], "with every pod recreated, pods do not reach each other", during)


def with_mistakes(takeover: Takeover, target: Plugin) -> None:
    """Replace the plugin with two common mistakes: stale configuration on a node, and pods that are not recreated."""
    testbed = takeover.testbed
    stale_node = testbed.nodes[0]
    old = replacing.configurations(testbed.cluster, stale_node)
    takeover.swap(plugin_under_test(testbed), target, stale_node)
    takeover.log_reachability("with the earlier pods")
    takeover.create_later_pods(testbed.nodes, "first")
    takeover.log_reachability(f"with later pods on every node, {stale_node} among them")
    new = replacing.configurations(testbed.cluster, testbed.nodes[-1])  # a node without stale configuration
    replacing.remove_configurations(testbed.cluster, stale_node, set(old) - set(new))
    takeover.lines.append(f"\nThe stale configuration was removed on {stale_node}.")
    takeover.create_later_pods([stale_node], "second")
    takeover.log_reachability("with pods created after that")


@requirement("K09")
@needs("migration-target")
@disturbs
def test_another_plugin_on_a_live_cluster(takeover: Takeover, target: Plugin, expect: Expect, change: Change) -> None:
    """After the plugin is replaced and every pod recreated, all reach each other; reachability before is logged."""
    before = replacing.traces(takeover.testbed.cluster, takeover.testbed.nodes)
    change.original, change.migrated = before, True
    with_mistakes(takeover, target)
    finish(takeover, expect, before, "how the plugin was replaced")


@requirement("K10")
@needs("migration-target")
@disturbs
def test_and_back(takeover: Takeover, target: Plugin, expect: Expect, change: Change) -> None:
    """After a correct migration back and every pod recreated, all reach each other."""
    testbed = takeover.testbed
    if not change.migrated:  # K09 did not run
        change.original, change.migrated = replacing.traces(testbed.cluster, testbed.nodes), True
        takeover.swap(plugin_under_test(testbed), target, "")
    now = replacing.traces(testbed.cluster, testbed.nodes)
    before = {node: lines - change.original.get(node, set()) for node, lines in now.items()}
    takeover.swap(target, plugin_under_test(testbed), "")
    change.migrated = False
    takeover.log_reachability("with the earlier pods")
    finish(takeover, expect, before, "how the original plugin was installed again")
