"""Runs as their verdict.json describes them, to be compared."""

from __future__ import annotations

import json
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Figure:
    """A measurement by which runs are compared.

    Attributes:
        requirement: id of the requirement whose case measures it.
        fact: its name in the facts of that case, with its unit; the value is a number or a list of numbers.
    """

    requirement: str
    fact: str


FIGURES = (Figure("D14", "MB per s"), Figure("D17", "connections per s"), Figure("D17", "CPU ms per connection"))


@dataclass(frozen=True)
class Run:
    """A run, as its verdict.json describes it.

    Attributes:
        name: name of its folder.
        verdict: the run's verdict.
        rows: requirement id → its row in verdict.json.
        seconds: its duration.
        provider: the provider of its cluster.
    """

    name: str
    verdict: str
    rows: dict[str, dict[str, Any]]
    seconds: float = 0.0
    provider: str = ""

    def of(self, identity: str) -> str:
        """A requirement's verdict; "" if the run has none."""
        return str(self.rows.get(identity, {}).get("verdict", ""))

    def cases(self, identity: str) -> dict[str, str]:
        """The verdicts of a requirement's cases, by node id."""
        return {case["case"]: str(case["verdict"]) for case in self.rows.get(identity, {}).get("cases", [])}

    def figure(self, figure: Figure) -> str:
        """A figure, of the first case that measured it; the median of a list; "" if no case did."""
        for case in self.rows.get(figure.requirement, {}).get("cases", []):
            if (value := case["facts"].get(figure.fact)) is not None:
                return str(statistics.median(value) if isinstance(value, list) else value)
        return ""


def load(path: Path) -> Run:
    """A run from its verdict.json."""
    document = json.loads(path.read_text())
    rows = {row["id"]: row for row in document["requirements"]}
    provider = str(document["cluster"].get("provider", ""))
    return Run(path.parent.name, document["verdict"], rows, document["seconds"], provider)


def order(runs: list[Run]) -> list[str]:
    """The ids of all requirements; first those whose verdicts differ."""
    known = sorted({identity for run in runs for identity in run.rows})
    return sorted(known, key=lambda identity: (len({run.of(identity) for run in runs}) < 2, identity))  # noqa: PLR2004


def differing(one: Run, other: Run) -> list[str]:
    """Lines about the cases whose verdicts differ, by requirement; a case that only one run has differs too."""
    lines = []
    for identity in order([one, other]):
        cases = one.cases(identity), other.cases(identity)
        for case in sorted(cases[0].keys() | cases[1].keys()):
            verdicts = [verdict_of.get(case, "not run") for verdict_of in cases]
            if verdicts[0] != verdicts[1]:
                lines.append(f"{identity} {case}: {verdicts[0]} in {one.name}, {verdicts[1]} in {other.name}")
    return lines
