"""The type of the fact `generated`, which cases with generated states add to verdict.json, and its sum over a run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping

FACT = "generated"  # its name, in records and in verdict.json
VERSION = 1
MOST_GAPS = 3  # quantities with classes that were not drawn, on the terminal


class QuantityFact(TypedDict):
    """What the states of a case had of a quantity, such as the ports of a rule.

    Attributes:
        area: the area that it belongs to.
        quantity: its name.
        values: number of distinct values.
        states: number of states that have the quantity.
        classes: all classes of its values, in order.
        drawn: number of states by class.
        not_drawn: the classes that no state has.
    """

    area: str
    quantity: str
    values: int
    states: int
    classes: list[str]
    drawn: dict[str, int]
    not_drawn: list[str]


class GeneratedFact(TypedDict):
    """What the generated states of a case had.

    Attributes:
        version: VERSION of this format.
        generated: number of states.
        states: number of those that were probed; fewer if one was wrong.
        flows: number of their flows with a decision.
        quantities: by area.
        pairs: pairs of choices of two fields in a covering array: covered, and all.
        triples: triples of choices of three fields that interact: covered, and all.
    """

    version: int
    generated: int
    states: int
    flows: int
    quantities: list[QuantityFact]
    pairs: NotRequired[tuple[int, int]]
    triples: NotRequired[tuple[int, int]]


@dataclass
class Quantity:
    """What the states of a run had of a quantity.

    Attributes:
        name: the quantity.
        values: number of distinct values in the case that has most.
        states: number of states that have it.
        drawn: number of states by class; 0 for a class that no state of the run has.
    """

    name: str
    values: int = 0
    states: int = 0
    drawn: dict[str, int] = field(default_factory=dict)

    @property
    def missing(self) -> list[str]:
        """The classes that no state of the run has."""
        return [kind for kind, states in self.drawn.items() if not states]


@dataclass
class Generated:
    """The generated states of a run.

    Attributes:
        states: number of states that were probed.
        flows: number of their flows with a decision.
        areas: quantities by area.
        pairs: covered pairs of choices, and all; None without a covering array.
        triples: likewise for triples.
    """

    states: int = 0
    flows: int = 0
    areas: dict[str, list[Quantity]] = field(default_factory=dict)
    pairs: tuple[int, int] | None = None
    triples: tuple[int, int] | None = None

    @property
    def quantities(self) -> list[Quantity]:
        """The quantities of all areas."""
        return [quantity for area in self.areas.values() for quantity in area]


def of_run(document: Mapping[str, Any]) -> Generated | None:
    """Return the sum over the cases of a verdict.json; None if no case has generated states."""
    cases = {case["case"]: case for row in document["requirements"] for case in row["cases"]}
    facts: list[GeneratedFact] = [case["facts"][FACT] for case in cases.values() if FACT in case["facts"]]
    if not facts:
        return None
    result = Generated(sum(fact["states"] for fact in facts), sum(fact["flows"] for fact in facts))
    for fact in facts:
        result.pairs = fact.get("pairs", result.pairs)
        result.triples = fact.get("triples", result.triples)
        for row in fact["quantities"]:
            _add(result, row)
    return result


def _add(result: Generated, row: QuantityFact) -> None:
    area = result.areas.setdefault(row["area"], [])
    known = next((one for one in area if one.name == row["quantity"]), None)
    if known is None:
        known = Quantity(row["quantity"])
        area.append(known)
    known.values = max(known.values, row["values"])
    known.states += row["states"]
    for kind in row["classes"]:
        known.drawn[kind] = known.drawn.get(kind, 0) + row["drawn"].get(kind, 0)


def line(document: Mapping[str, Any]) -> str:
    """Return a line for the terminal; "" for a run without generated states."""
    run = of_run(document)
    if run is None:
        return ""
    classes = [states for quantity in run.quantities for states in quantity.drawn.values()]
    gaps = [f"{one.name}: {', '.join(one.missing)}" for one in run.quantities if one.missing]
    some = "; ".join(gaps[:MOST_GAPS]) + (f"; and {len(gaps) - MOST_GAPS} more" if len(gaps) > MOST_GAPS else "")
    covered = f", {_share(run.pairs)} of pairs and {_share(run.triples)} of triples" if run.pairs else ""
    drawn = f"{sum(map(bool, classes))} of {len(classes)} classes of values{covered}"
    return f"generated: {run.states} states, {run.flows} flows, {drawn}" + (f"; not drawn: {some}" if some else "")


def _share(counts: tuple[int, int] | None) -> str:
    covered, every = counts or (0, 0)
    return f"{100 * covered // max(every, 1)} %"
