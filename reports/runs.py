"""Load runs from their verdict.json and find the differences between them."""

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
        fact: name of the fact that has the value, including the unit; the value is a number or a list of numbers.
    """

    requirement: str
    fact: str


FIGURES = (Figure("D14", "MB per s"), Figure("D17", "connections per s"), Figure("D17", "CPU ms per connection"))


@dataclass(frozen=True)
class Run:
    """The content of a verdict.json that comparisons use.

    Attributes:
        name: name of the run's folder.
        verdict: the run's verdict.
        rows: id of a requirement → its row in verdict.json.
        seconds: the run's duration.
        provider: the provider of the run's cluster.
    """

    name: str
    verdict: str
    rows: dict[str, dict[str, Any]]
    seconds: float = 0.0
    provider: str = ""

    def verdict_of(self, identity: str) -> str:
        """Return the verdict of a requirement, or "" if the run did not check it."""
        return str(self.rows.get(identity, {}).get("verdict", ""))

    def cases(self, identity: str) -> dict[str, str]:
        """Return the verdicts of a requirement's cases by pytest's node id."""
        return {case["case"]: str(case["verdict"]) for case in self.rows.get(identity, {}).get("cases", [])}

    def figure(self, figure: Figure) -> str:
        """Return a measurement (of a list, its median) of the first case that has it, as text; "" if no case has."""
        for case in self.rows.get(figure.requirement, {}).get("cases", []):
            if (value := case["facts"].get(figure.fact)) is not None:
                return str(statistics.median(value) if isinstance(value, list) else value)
        return ""


def load(path: Path) -> Run:
    """Load a run from its verdict.json."""
    document = json.loads(path.read_text())
    rows = {row["id"]: row for row in document["requirements"]}
    provider = str(document["cluster"].get("provider", ""))
    return Run(path.parent.name, document["verdict"], rows, document["seconds"], provider)


def order(runs: list[Run]) -> list[str]:
    """Sort the ids of all requirements in the runs: those whose verdicts differ come first."""
    known = sorted({identity for run in runs for identity in run.rows})
    return sorted(known, key=lambda identity: (len({run.verdict_of(identity) for run in runs}) < 2, identity))  # noqa: PLR2004


@dataclass(frozen=True)
class Difference:
    """A case with different verdicts in two runs.

    Attributes:
        requirement: the requirement.
        case: the case.
        runs: names of the runs.
        verdicts: of the case in each; "not run" if a run does not have it.
    """

    requirement: str
    case: str
    runs: tuple[str, str]
    verdicts: tuple[str, str]

    @property
    def contradicts(self) -> bool:
        """Whether the verdicts exclude each other; an inconclusive one excludes none."""
        return "inconclusive" not in self.verdicts

    def __str__(self) -> str:
        each = [f"{verdict} in {run}" for verdict, run in zip(self.verdicts, self.runs, strict=True)]
        return f"{self.requirement} {self.case}: {', '.join(each)}"


def differing(first: Run, second: Run) -> list[Difference]:
    """The cases whose verdicts differ; a case that only one run has counts as different."""
    found = []
    for identity in order([first, second]):
        cases = first.cases(identity), second.cases(identity)
        for case in sorted(cases[0].keys() | cases[1].keys()):
            before, after = (by_case.get(case, "not run") for by_case in cases)
            if before != after:
                found.append(Difference(identity, case, (first.name, second.name), (before, after)))
    return found
