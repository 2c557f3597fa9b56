"""Expectations of case files that the oracle contradicts, in the base world of the model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from policies import base_world
from policies.ambiguities import OPEN
from policies.explain import explain
from policies.families import Family
from policies.oracle import Path, Query, reachability

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from policies.ambiguities import Ambiguity
    from policies.cases import Case, Cell, Step
    from policies.explain import Explanation
    from policies.oracle import Decision


@dataclass(frozen=True)
class Disagreement:
    """A flow whose expected decision the oracle contradicts.

    Attributes:
        where: file and line.
        case: the case's id.
        step: the state's title; "" if the case has one state.
        cell: source and destination.
        query: port, path and family.
        expected: the decision that the file expects.
        explanation: the decision of the oracle, with reasons.
    """

    where: str
    case: str
    step: str
    cell: Cell
    query: Query
    expected: Decision
    explanation: Explanation

    def __str__(self) -> str:
        query = self.query
        path = "by Service" if query.path is Path.SERVICE else "by address"
        flow = f"{' > '.join(self.cell)} on {query.port_text} {path} over IPv{query.family.version}"
        state = f"{self.case}, {self.step}" if self.step else self.case
        return f"{self.where} ({state}): {flow}: expected {self.expected}, but {self.explanation}"


def disagreements(
    case: Case, profile: Mapping[Ambiguity, bool] = OPEN, families: Sequence[Family] = tuple(Family)
) -> Iterator[Disagreement]:
    """The flows whose expected decision is neither that of the specification nor that of the engine's profile.

    `open` agrees if the specification leaves the flow undefined; allowed and denied agree if the specification or the
    profile decides so.

    Args:
        case: the case.
        profile: how the engine resolves ambiguities.
        families: the families to compare in; a case for one of them is compared in that one.
    """
    for step in case.steps:
        for query in _queries(family for family in families if family in case.families):
            yield from _of_query(case, step, query, profile)


def _queries(families: Iterator[Family]) -> Iterator[Query]:
    for family in families:
        yield from (Query(*flow, path, family) for flow in base_world.FLOWS for path in Path)


def _of_query(case: Case, step: Step, query: Query, profile: Mapping[Ambiguity, bool]) -> Iterator[Disagreement]:
    block = step.covering(query)
    if block is None:
        return
    world = step.world(case.base, query.family)
    specified = reachability(world, query)
    declared = reachability(world, query, profile) if profile else specified
    for cell, expected in block.cells.items():
        if query.path is Path.SERVICE and cell[1] in {cell[0], base_world.OUTSIDE, base_world.REMOTE_NODE}:
            continue  # the base world has no such Service
        if expected not in {specified.decision(*cell), declared.decision(*cell)}:
            explanation = explain(world, *cell, query, profile)
            title = step.title if step.title != case.title else ""
            yield Disagreement(block.where(cell), case.id, title, cell, query, expected, explanation)
