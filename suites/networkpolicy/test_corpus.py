"""The corpus on the cluster: every hand-written case, in parallel in all workspaces."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fixtures.errors import NetproofError
from fixtures.workspaces.runner import run_case
from policies import cases
from policies.cases import Case
from reports import evidence
from suites.support import failures
from suites.support.marks import needs, requirement, title
from suites.support.workspaces import GROUP, require_right

if TYPE_CHECKING:
    from fixtures.workspaces.pool import WorkspacePool
    from fixtures.workspaces.probing import StateResult
    from fixtures.workspaces.workspace import Workspace
    from policies.families import Family
    from suites.support.expect import Expect


@dataclass
class Run:
    """The selected cases of the corpus, run once.

    Attributes:
        pool: the workspaces.
        selected: the cases.
        folders: folder of the evidence of each case.
        results: the results of their steps, or why they could not be run.
    """

    pool: WorkspacePool
    selected: list[tuple[Case, Family]]
    folders: dict[tuple[str, Family], Path] = field(default_factory=dict)
    results: dict[tuple[str, Family], list[StateResult] | NetproofError] = field(default_factory=dict)

    def of(self, case: Case, family: Family) -> list[StateResult]:
        """The results of a case's steps.

        Raises:
            NetproofError: this case could not be run; it does not concern others.
        """
        if not self.results:

            def run_one(workspace: Workspace, item: tuple[Case, Family]) -> list[StateResult] | NetproofError:
                case, family = item
                folder = self.folders.get((case.id, family))
                ids = ",".join(case.requirements)
                keep = partial(failures.keep_state, folder=folder, requirements=ids) if folder else None
                try:
                    return run_case(workspace, case, self.pool.judge(family), keep)
                except NetproofError as error:
                    return error

            for (finished, of_family), steps in self.pool.run(self.selected, run_one, "policy cases"):
                self.results[finished.id, of_family] = steps
        result = self.results[case.id, family]
        if isinstance(result, NetproofError):
            raise result
        return result


@pytest.fixture(scope="session")
def run(pool: WorkspacePool, request: pytest.FixtureRequest) -> Run:
    """The selected cases."""
    out = Path(request.config.option.out)
    result = Run(pool, [])
    for item in request.session.items:
        params: dict[str, Any] = getattr(getattr(item, "callspec", None), "params", {})
        if isinstance(case := params.get("case"), Case):
            result.selected.append((case, params["family"]))
            result.folders[case.id, params["family"]] = evidence.folder_of(out, item.nodeid)
    return result


@GROUP
@needs("network-policy")
@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=case.id, marks=[requirement(*case.requirements), title(case.title)])
        for case in cases.corpus()
    ],
)
def test_case(run: Run, case: Case, family: Family, expect: Expect) -> None:
    """A hand-written case of the corpus."""
    steps = run.of(case, family)
    expect.facts |= run.pool.facts() | {
        "case": case.id,
        "flows": sum(seen.flows for seen in steps),
        "seconds until right": [seen.seconds for seen in steps],
        "matrices": [seen.attempts for seen in steps],
        "left open": [seen.left_open for seen in steps if seen.left_open],
        "on the way": [line for seen in steps for line in seen.on_the_way][:20],
    }
    last, step = steps[-1], case.steps[len(steps) - 1]
    sentence = f"{case.title}{f' ({step.title})' if step.title != case.title else ''}"
    require_right(last, run.pool.judge(family), expect, sentence)
