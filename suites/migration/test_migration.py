"""One plugin replaced by another on a live cluster, with the mistakes people make, and back: K09, K10."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from fixtures.cnis import replacing
from fixtures.errors import NetproofError, UsageError
from reports import evidence
from reports.outcome import Refuted
from suites.migration.takeover import Takeover
from suites.support.marks import disturbs, needs, requirement

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fixtures.cnis.plugin import Plugin
    from fixtures.testbed.testbed import Testbed
    from suites.support.expect import Expect


@dataclass
class Change:
    """How far the plugins have been changed.

    Attributes:
        former: what the plugin under test has on nodes, as it was before: on the way back that is not left over.
        made: whether the successor is there.
    """

    former: dict[str, set[str]] = field(default_factory=dict)
    made: bool = False


@pytest.fixture(scope="module")
def change(testbed: Testbed) -> Iterator[Change]:
    """The change of these cases; in the end the plugin under test is back, whichever of them ran."""
    begun = Change()
    yield begun
    if begun.made and (successor := testbed.successor):
        takeover = Takeover(testbed)
        with contextlib.suppress(NetproofError, Refuted):  # then what follows says what does not work
            takeover.swap(successor.cni, successor.objects, testbed.cni, testbed.installed, "")
            takeover.recreate_pods()


@pytest.fixture
def takeover(testbed: Testbed) -> Iterator[Takeover]:
    """A new migration; the pods that it creates are deleted in any case."""
    if len(testbed.nodes) < 2:
        pytest.skip("a node with stale configuration needs another node beside it")
    begun = Takeover(testbed)
    yield begun
    begun.clear()


@pytest.fixture
def successor(testbed: Testbed) -> Plugin:
    """The plugin of --migrate-to."""
    if testbed.successor is None:
        raise UsageError("the cases of a migration need --migrate-to.")
    return testbed.successor


def finish(takeover: Takeover, expect: Expect, before: dict[str, set[str]], which: str) -> None:
    """Recreate every pod; then all reach each other, and leftovers of the previous plugin are listed."""
    __tracebackhide__ = True
    takeover.recreate_pods()
    wrong = takeover.log_reachability("with every pod recreated")
    now = replacing.traces(takeover.testbed.cluster, takeover.testbed.nodes)
    left = {node: sorted(before[node] & now[node]) for node in before}
    takeover.lines.append("\nLeft by the previous plugin:")
    takeover.lines += [f"  {node}: {line}" for node, lines in left.items() for line in lines] or ["  nothing"]
    expect.facts["left"] = {node: len(lines) for node, lines in left.items()}
    evidence.attach_text(which, "\n".join(takeover.lines), expect.evidence)
    expect.facts["seen"] = takeover.lines
    expect.nothing([*wrong, *takeover.shared()], "with every pod recreated, pods do not reach each other")


def with_mistakes(takeover: Takeover, successor: Plugin) -> None:
    """Replace the plugin with two common mistakes: stale configuration on a node, and pods that are not recreated."""
    testbed = takeover.testbed
    forgetful = testbed.nodes[0]
    old = replacing.configurations(testbed.cluster, forgetful)
    takeover.swap(testbed.cni, testbed.installed, successor.cni, successor.objects, forgetful)
    takeover.log_reachability("with the earlier pods")
    takeover.create_later_pods(testbed.nodes, "first")
    takeover.log_reachability(f"with later pods on every node, {forgetful} among them")
    news = replacing.configurations(testbed.cluster, testbed.nodes[-1])  # where nothing was forgotten
    replacing.remove_configurations(testbed.cluster, forgetful, set(old) - set(news))
    takeover.lines.append(f"\nThe last configuration was removed on {forgetful}.")
    takeover.create_later_pods([forgetful], "second")
    takeover.log_reachability("with pods created after that")


@requirement("K09")
@needs("successor")
@disturbs
def test_another_plugin_on_a_live_cluster(
    takeover: Takeover, successor: Plugin, expect: Expect, change: Change
) -> None:
    """After the plugin is replaced and every pod recreated, all reach each other; reachability before is logged."""
    before = replacing.traces(takeover.testbed.cluster, takeover.testbed.nodes)
    change.former, change.made = before, True
    with_mistakes(takeover, successor)
    finish(takeover, expect, before, "how the plugin was replaced")


@requirement("K10")
@needs("successor")
@disturbs
def test_and_back(takeover: Takeover, successor: Plugin, expect: Expect, change: Change) -> None:
    """After a correct migration back and every pod recreated, all reach each other."""
    testbed = takeover.testbed
    if not change.made:  # K09 did not run
        change.former, change.made = replacing.traces(testbed.cluster, testbed.nodes), True
        takeover.swap(testbed.cni, testbed.installed, successor.cni, successor.objects, "")
    now = replacing.traces(testbed.cluster, testbed.nodes)
    before = {node: lines - change.former.get(node, set()) for node, lines in now.items()}
    takeover.swap(successor.cni, successor.objects, testbed.cni, testbed.installed, "")
    change.made = False
    takeover.log_reachability("with the earlier pods")
    finish(takeover, expect, before, "how the former plugin came back")
