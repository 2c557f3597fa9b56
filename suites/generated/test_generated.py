"""Generated policies: a covering array over the API's fields, and random histories of the base world."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from fixtures import lateness
from fixtures.errors import NetproofError
from fixtures.workspaces.pool import PATIENCE_FACTOR
from fixtures.workspaces.probing import describe
from fixtures.workspaces.reproducer import text
from fixtures.workspaces.runner import SHRINK_PATIENCE, run_history, search, shrink
from policies import base_world, covering
from policies.families import of_family
from policies.histories import generate
from reports import evidence, generated_fact, wrong_fact
from reports.outcome import Inconclusive, Refuted
from suites.support import generated_states, wrong_flows
from suites.support.marks import needs, requirement
from suites.support.workspaces import GROUP

if TYPE_CHECKING:
    import pytest

    from fixtures.workspaces.pool import WorkspacePool
    from policies.covering import Coverage
    from policies.families import Family
    from policies.model import World
    from suites.support.expect import Expect

    History = tuple[World, ...]

STATES = 6  # of one history


def certify(
    pool: WorkspacePool,
    histories: list[History],
    family: Family,
    expect: Expect,
    title: str,
    coverage: Coverage | None = None,
) -> None:
    """Run histories in parallel; shrink the first that fails and attach it as a case file."""
    __tracebackhide__ = True
    judge = pool.judge(family, agree=1, far=True).with_few_services()
    found = search(pool, histories, judge, title)
    if found.dead and not found.seen:
        raise Inconclusive(f"servers do not answer on their own host: {'; '.join(found.dead[:5])}")
    expect.facts |= pool.facts() | {
        "states": found.states,
        "flows": found.flows,
        "states per minute": round(found.states * 60 / found.seconds),
        "slowest state, seconds until right": found.slowest,
        generated_fact.FACT: generated_states.fact(histories, family, (found.states, found.flows), coverage),
        "found after seconds": round(found.seconds, 1) if found.seen else None,
    }
    if found.seen and found.seen.of_time and lateness.RECORD.window(*found.seen.of_time).explains:
        wrong = f"{len(found.seen.wrong)} of {found.seen.flows} flows of a generated state are wrong"
        expect.facts[wrong_fact.FACT] = wrong_flows.of_state(found.seen, judge.profile)
        # Shrinking would not help: the machine was late.
        raise Refuted(f"{wrong}:\n{describe(found.seen, judge.profile)}", found.seen.of_time)
    if found.seen:
        patience = min(pool.patience, max(SHRINK_PATIENCE, PATIENCE_FACTOR * max(found.slowest, pool.slowest)))
        try:
            small, last, tried = shrink(pool, found.history, found.seen, replace(judge, patience=patience))
        except NetproofError as error:  # it is wrong all the same
            expect.facts["shrinking ended by"] = str(error)
            small, last, tried = found.history, found.seen, 0
        file = text(small, last, judge.family)
        expect.facts[wrong_fact.FACT] = wrong_flows.of_state(last, judge.profile)
        evidence.attach_text("reproducer.yaml", file, expect.evidence)
        run_history(pool.workspaces[0], small, replace(judge, patience=patience), expect.keep_state)
        raise Refuted(
            f"a generated state is wrong; shrunk to {len(small)} states, {len(small[-1].policies)} policies "
            f"({tried} smaller ones tried):\n{describe(last, judge.profile)}\n\n{file}"
        )


@GROUP
@requirement("G01")
@needs("network-policy")
def test_every_two_choices_of_two_fields(pool: WorkspacePool, family: Family, expect: Expect) -> None:
    """For every pair of choices of two fields of the API, policies with both are enforced as the oracle decides."""
    rows = covering.array()
    address = of_family(base_world.MODEL_IPS[base_world.OUTSIDE], family)
    coverage = covering.coverage(rows)
    expect.facts["coverage"] = str(coverage)
    certify(pool, covering.histories(address, STATES), family, expect, "the covering array", coverage)


@GROUP
@requirement("G02")
@needs("network-policy")
def test_random_histories(pool: WorkspacePool, family: Family, expect: Expect, pytestconfig: pytest.Config) -> None:
    """After any sequence of changes to policies and labels, flows are allowed and denied as the oracle decides."""
    states, seed = pytestconfig.option.states, pytestconfig.option.seed
    histories = generate(max(1, states // STATES), STATES, family, seed)
    certify(pool, histories, family, expect, f"{states} random states, seed {seed}")
