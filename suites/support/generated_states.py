"""The fact `generated` of a case: what its generated states had, by area, and what none of them had."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies import drawn
from reports.generated_fact import VERSION, GeneratedFact, QuantityFact

if TYPE_CHECKING:
    from collections.abc import Sequence

    from policies.covering import Coverage
    from policies.families import Family
    from policies.model import World


def fact(
    histories: Sequence[Sequence[World]], family: Family, probed: tuple[int, int], coverage: Coverage | None = None
) -> GeneratedFact:
    """Return the fact about histories.

    Args:
        histories: the generated states.
        family: of the addresses in their blocks.
        probed: number of states that were probed, and of their flows with a decision.
        coverage: of the covering array that the states are rows of.
    """
    rows = [
        QuantityFact(
            area=one.area,
            quantity=one.name,
            values=one.values,
            states=one.states,
            classes=[*one.classes],
            drawn=dict(one.drawn),
            not_drawn=[*one.missing],
        )
        for one in drawn.measure(histories, family)
    ]
    states, flows = probed
    result = GeneratedFact(
        version=VERSION, generated=sum(map(len, histories)), states=states, flows=flows, quantities=rows
    )
    if coverage is not None:
        result["pairs"], result["triples"] = coverage.pairs, coverage.triples
    return result
