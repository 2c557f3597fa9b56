"""Run the cases of the file that --replay names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fixtures.workspaces import replays
from fixtures.workspaces.runner import run_case
from suites.support.marks import needs, requirement
from suites.support.workspaces import GROUP, require_right

if TYPE_CHECKING:
    from fixtures.workspaces.pool import WorkspacePool
    from policies.cases import Case
    from policies.families import Family
    from suites.support.expect import Expect


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Parametrise by the cases of the file; none without --replay."""
    if "replayed" in metafunc.fixturenames:
        path = metafunc.config.option.replay
        loaded = replays.load(path) if path else ()  # checked before the cluster was started
        metafunc.parametrize("replayed", loaded, ids=str)


@GROUP
@requirement("G03")
@needs("network-policy")
def test_replay(pool: WorkspacePool, replayed: Case, family: Family, expect: Expect) -> None:
    """A case of the file gives the result that the file expects."""
    judge = pool.judge(family, far=True)
    if judge.family not in replayed.families:
        pytest.skip(f"{replayed} has addresses of another family")
    steps = run_case(pool.workspaces[0], replayed, judge, expect.keep_state)
    expect.facts |= {
        "case": replayed.id,
        "flows": sum(seen.flows for seen in steps),
        "judged by the oracle alone": sum(seen.unstated for seen in steps),
    }
    require_right(steps[-1], judge, expect, replayed.title)
