"""Policies while kube-proxy is started again: T13."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fixtures import waiting
from fixtures.clusters.protocol import BREAKABLE
from fixtures.faults import catalogue
from fixtures.workspaces.probing import settle
from policies.oracle import Path as Way
from suites.motion import scene
from suites.motion.away import Away, injected, sent
from suites.support.marks import disturbs, needs, requirement
from suites.support.workspaces import require_right

if TYPE_CHECKING:
    from pathlib import Path

    from fixtures.testbed.testbed import Testbed
    from suites.motion.away import Place
    from suites.support.expect import Expect

KILL = "F42"
PROXY = "([^ ]*/)?kube-proxy .*"  # its command line, a regular expression
WATCHED = 5.0  # seconds for which flows are watched after it was killed


@requirement("T13")
@needs("network-policy", "services", BREAKABLE)
@disturbs
def test_policies_while_kube_proxy_is_started_again(testbed: Testbed, place: Place, expect: Expect, out: Path) -> None:
    """After kube-proxy was killed on a node, policies count for Services and pods, and allowed flows go on."""
    node, workspace, judge = testbed.nodes[0], place.workspace, place.judge
    away = Away("kube-proxy", scene.of(workspace, judge, Way.SERVICE).watched)
    with sent(workspace, away, judge.patience):
        with injected(testbed, catalogue.load()[KILL], node, out, PROXY):
            pass  # it is started again by itself
        waiting.observe(WATCHED)
    away.judge(expect)
    require_right(
        settle(workspace, workspace.world, judge), judge, expect, "a state is wrong after kube-proxy is back"
    )
