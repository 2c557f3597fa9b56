"""A workspace whose flows are watched while something changes: one alone, so that nothing else delays a change."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fixtures.progress import Progress
from fixtures.workspaces.pool import WorkspacePool
from suites.motion.away import placed
from suites.motion.once import Once
from suites.support.workspaces import Shown, opened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fixtures.testbed.testbed import Testbed
    from policies.families import Family
    from suites.motion.away import Place
    from suites.support.expect import Expect


NUMBER = 90  # of the workspace; those of other policy suites have lower ones


@pytest.fixture(scope="session")
def pool(testbed: Testbed, pytestconfig: pytest.Config) -> Iterator[WorkspacePool]:
    """A pool of one open workspace."""
    pool = WorkspacePool(testbed, Progress(Shown(pytestconfig)), 1, NUMBER)
    pool.from_outside = False  # its routes on the external host would be those of another pool
    with opened(pool):
        yield pool


@pytest.fixture(scope="session")
def once() -> Once:
    """What several cases of the session judge."""
    return Once()


@pytest.fixture
def place(pool: WorkspacePool, family: Family, expect: Expect) -> Iterator[Place]:
    """A workspace in a settled state; without policies after the case."""
    with placed(pool, family, expect) as place:
        yield place
