"""A workspace whose flows are watched while something changes: one alone, so that nothing else delays a change."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fixtures.progress import Progress
from fixtures.workspaces.pool import WorkspacePool
from fixtures.workspaces.probing import settle
from policies.families import Family
from suites.motion import scene
from suites.motion.away import AFTER, Place
from suites.support.motion import judge_of
from suites.support.workspaces import Shown, opened, require_right

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fixtures.testbed.testbed import Testbed
    from suites.support.expect import Expect


NUMBER = 90  # of the workspace; those of other policy suites have lower ones


@pytest.fixture(scope="session")
def pool(testbed: Testbed, pytestconfig: pytest.Config) -> Iterator[WorkspacePool]:
    """A pool of one open workspace."""
    pool = WorkspacePool(testbed, Progress(Shown(pytestconfig)), 1, NUMBER)
    pool.from_outside = False  # its routes on the external host would be those of another pool
    with opened(pool):
        yield pool


@pytest.fixture
def place(pool: WorkspacePool, family: Family, expect: Expect) -> Iterator[Place]:
    """A workspace in a settled state; without policies after the case."""
    if len(pool.testbed.nodes) < 2 or family != Family.IPV4:
        pytest.skip("the faults are written for IPv4 and two nodes at least")
    workspace, judge = pool.workspaces[0], judge_of(pool, family)
    found = scene.of(workspace, judge)
    try:
        require_right(settle(workspace, found.world, judge), judge, expect, "the state is wrong before agents go away")
        yield Place(workspace, found, judge, AFTER + pool.slowest)
    finally:
        workspace.reset()
