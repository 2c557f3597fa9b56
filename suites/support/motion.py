"""What cases of suites/motion share: generated states of a workspace, and a judge of a few flows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from policies.histories import generate

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fixtures.workspaces.judge import Judge
    from fixtures.workspaces.pool import WorkspacePool
    from policies.families import Family
    from policies.model import World

STATES = 8  # of one history
HISTORIES = 100  # that are generated at most; one in four has pods of another layout and is left out
PORTS = {
    ("tcp", 80),
    ("tcp", 82),
    ("udp", 81),
}  # flows on others are left out, for shorter matrices


def judge_of(pool: WorkspacePool, family: Family) -> Judge:
    """A judge of flows on a few ports."""
    judge = pool.judge(family, agree=1)
    return replace(judge, queries=[query for query in judge.queries if (query.protocol, query.port) in PORTS])


def histories(family: Family, seed: int, states: int = STATES) -> Iterator[Sequence[World]]:
    """Generated histories of the pods of the base world, none of which is created again."""
    for number in range(HISTORIES):
        (history,) = generate(1, states, family, seed * HISTORIES + number)
        if not history[0].layout:
            yield [replace(state, pods=tuple(replace(pod, generation=0) for pod in state.pods)) for state in history]
