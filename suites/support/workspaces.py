"""Fixtures of the policy suites: a pool of workspaces, created once a session."""

from __future__ import annotations

import io
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
import yaml

from fixtures import terminal
from fixtures.progress import Progress
from fixtures.workspaces.pool import WorkspaceNotOpenError, WorkspacePool
from fixtures.workspaces.probing import describe
from policies import serialization
from reports import evidence, wrong_fact
from reports.outcome import Inconclusive, Refuted
from suites.support import wrong_flows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fixtures.testbed.testbed import Testbed
    from fixtures.workspaces.judge import Judge
    from fixtures.workspaces.probing import StateResult
    from suites.support.expect import Expect


class Shown(io.StringIO):
    """Shows progress on the terminal while pytest captures the output of cases."""

    def __init__(self, config: pytest.Config) -> None:
        super().__init__()
        self.config = config
        with terminal.uncaptured(config):
            self.terminal = bool(sys.__stderr__ and sys.__stderr__.isatty())

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return self.terminal

    def write(self, text: str) -> int:
        """Write to the terminal at once."""
        with terminal.uncaptured(self.config):
            if sys.__stderr__:
                sys.__stderr__.write(text)
                sys.__stderr__.flush()
        return len(text)


GROUP = pytest.mark.xdist_group("workspaces")  # the workspaces belong to one process; see suites/support/order.py


@pytest.fixture(scope="session")
def pool(testbed: Testbed, pytestconfig: pytest.Config) -> Iterator[WorkspacePool]:
    """A pool of open workspaces."""
    with opened(WorkspacePool(testbed, Progress(Shown(pytestconfig)))) as pool:
        yield pool


@contextmanager
def opened(pool: WorkspacePool) -> Iterator[WorkspacePool]:
    """Open a pool for the duration of a block.

    Raises:
        Inconclusive: servers do not answer on their own hosts.
        Refuted: without policies the workspaces are not open.
    """
    try:
        try:
            pool.open()
        except WorkspaceNotOpenError as error:
            raise (Inconclusive(str(error)) if error.dead else Refuted(str(error), error.during)) from error
        yield pool
    finally:
        pool.close()


def require_right(result: StateResult, judge: Judge, expect: Expect, title: str) -> None:
    """Fail the requirement if a state is wrong, with the reasons of the oracle; attach its policies as evidence.

    Raises:
        Inconclusive: servers do not answer on their own hosts, and no flow is wrong beside them.
    """
    __tracebackhide__ = True
    if result.unknown:
        raise Inconclusive(f"servers do not answer on their own hosts: {'; '.join(result.dead[:5])}")
    if result.wrong:
        evidence.attach_text("policies.yaml", policies_text(result), expect.evidence)
        expect.facts[wrong_fact.FACT] = wrong_flows.of_state(result, judge.profile)
        raise Refuted(
            f"{title}\n{len(result.wrong)} of {result.flows} flows are wrong after {result.seconds:.1f} s:\n"
            + describe(result, judge.profile),
            result.of_time,
        )


def policies_text(result: StateResult) -> str:
    """The policies of a state as YAML."""
    return yaml.safe_dump_all([serialization.write(policy) for policy in result.world.policies], sort_keys=False)
