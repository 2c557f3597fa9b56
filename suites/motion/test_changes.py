"""Flows while one object after the other changes: T01, T02."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest

from fixtures.waiting import NeverHappenedError
from fixtures.workspaces.changing import change, concerns_flows, kind_of, single_changes, without_edited
from fixtures.workspaces.probing import settle
from reports.outcome import Inconclusive, Refuted
from suites.support.changes import figures
from suites.support.marks import disturbs, needs, requirement
from suites.support.motion import histories, judge_of
from suites.support.workspaces import require_right

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator, Sequence

    from fixtures.workspaces.changing import Transition
    from fixtures.workspaces.judge import Judge
    from fixtures.workspaces.pool import WorkspacePool
    from fixtures.workspaces.workspace import Workspace
    from policies.families import Family
    from suites.motion.once import Once
    from suites.support.expect import Expect

HOLES = {"tcp": 2, "udp": 15}  # refused flows in a row that count: a packet may be lost, a busy server may answer late
SHOWN = 10
REPLACED = 0.4  # share of the edited policies that are deleted and created again instead
WITHOUT_EFFECT = 0.25  # share of the changes without an effect on any flow that are watched


def transitions(
    workspace: Workspace, judge: Judge, family: Family, options: argparse.Namespace, expect: Expect
) -> Iterator[Transition]:
    """Change one object after the other, as many as --changes says."""
    random, number = Random(options.seed), 0  # noqa: S311 - choices
    for history in histories(family, options.seed):
        first, *later = (workspace.with_live_addresses(state) for state in history)
        require_right(settle(workspace, first, judge), judge, expect, "a state is wrong before it changes")
        for state in (each for later_state in later for each in single_changes(workspace.world, later_state)):
            if number == options.changes:
                return
            kind = kind_of(workspace.world, state)
            if concerns_flows(workspace, state, judge) or random.random() < WITHOUT_EFFECT:
                number += 1
                between = without_edited(workspace.world, state) if random.random() < REPLACED else None
                yield change(workspace, state, judge, random, between)
            # Flows that were not watched must have changed, too, before the next change.
            require_right(settle(workspace, state, judge), judge, expect, f"a state is wrong: {kind}")


@pytest.fixture
def observed(
    pool: WorkspacePool, family: Family, expect: Expect, pytestconfig: pytest.Config, once: Once
) -> Callable[[], Sequence[Transition]]:
    """A function with the transitions of --changes changes, observed once a session; their windows are facts."""

    def observe() -> list[Transition]:
        workspace, judge = pool.workspaces[0], judge_of(pool, family)
        seen: list[Transition] = []
        try:
            seen.extend(transitions(workspace, judge, family, pytestconfig.option, expect))
        except NeverHappenedError as error:
            raise Inconclusive(f"flows were not right before a change: {error}") from error
        finally:
            expect.facts |= figures(seen)
            workspace.reset()
        return seen

    def observed() -> Sequence[Transition]:
        seen = once.of(("changes", family), observe)
        expect.facts |= figures(seen)
        return seen

    return observed


@requirement("T01")
@needs("network-policy")
@disturbs
def test_denied_flows_stay_denied(observed: Callable[[], Sequence[Transition]]) -> None:
    """While one object changes, no flow gets through that policies deny before and after the change."""
    for transition in observed():
        if wrong := transition.forbidden:
            raise Refuted(f"{transition.kind}:\n" + "\n".join(map(str, wrong[:SHOWN])))


@requirement("T02")
@needs("network-policy")
@disturbs
def test_allowed_flows_stay_allowed(observed: Callable[[], Sequence[Transition]]) -> None:
    """While one object changes, no flow fails that policies allow before and after the change."""
    for transition in observed():
        wrong = [each for each in transition.refused if each.longest >= HOLES[each.watched.flow.query.protocol]]
        if wrong:
            raise Refuted(f"{transition.kind}:\n" + "\n".join(map(str, wrong[:SHOWN])), transition.during)
