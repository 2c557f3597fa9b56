"""What the policy suites share: stages in the cluster, made once and used by every case."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

import pytest
import yaml

from fixtures import terminal
from fixtures.progress import Progress
from fixtures.workspaces.pool import WorkspacePool
from fixtures.workspaces.probing import describe
from policies import serialization
from reports import evidence
from reports.outcome import Inconclusive, Refuted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fixtures.testbed.testbed import Testbed
    from fixtures.workspaces.judge import Judge
    from fixtures.workspaces.probing import StateResult
    from suites.support.expect import Expect


class Shown(io.StringIO):
    """Where progress is shown while pytest keeps what cases write: the terminal itself."""

    def __init__(self, config: pytest.Config) -> None:
        super().__init__()
        self.config = config
        with terminal.given(config):
            self.terminal = bool(sys.__stderr__ and sys.__stderr__.isatty())

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return self.terminal

    def write(self, text: str) -> int:
        """Show a text at once."""
        with terminal.given(self.config):
            if sys.__stderr__:
                sys.__stderr__.write(text)
                sys.__stderr__.flush()
        return len(text)


GROUP = pytest.mark.xdist_group("workspaces")  # the stages belong to one process; suites/support/order.py sees to it


@pytest.fixture(scope="session")
def pool(testbed: Testbed, pytestconfig: pytest.Config) -> Iterator[WorkspacePool]:
    """Open stages."""
    made = WorkspacePool(testbed, Progress(Shown(pytestconfig)))
    try:
        made.open()
        yield made
    finally:
        made.close()


def require_right(seen: StateResult, judge: Judge, expect: Expect, what: str) -> None:
    """Fail the requirement where a state is not right, with the reasons of the oracle; its policies are evidence.

    Raises:
        Inconclusive: servers do not answer on their own hosts.
    """
    __tracebackhide__ = True
    if seen.dead:
        raise Inconclusive(f"servers do not answer on their own hosts: {'; '.join(seen.dead[:5])}")
    if seen.wrong:
        evidence.attach_text("policies", policies_text(seen), expect.evidence)
        raise Refuted(
            f"{what}\n{len(seen.wrong)} of {seen.flows} flows are wrong after {seen.seconds:.1f} s:\n"
            + describe(seen, judge.profile),
            seen.of_time,
        )


def policies_text(seen: StateResult) -> str:
    """The policies of a state as YAML."""
    return yaml.safe_dump_all([serialization.write(policy) for policy in seen.world.policies], sort_keys=False)
