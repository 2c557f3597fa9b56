"""The record of one case: its verdict and its measurements."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from reports.outcome import Verdict

if TYPE_CHECKING:
    import pytest

ATTRIBUTE = "netproof"  # of a pytest report; xdist transfers attributes that are JSON


@dataclass(frozen=True)
class Record:
    """One case of a run.

    Attributes:
        case: pytest's node id.
        title: the first line of its docstring, with the ids of its parameters.
        requirements: ids of the requirements that it checks; empty for a case that cites none.
        verdict: its verdict.
        seconds: its duration.
        message: the reason if it did not pass, otherwise "".
        facts: measurements by name, as JSON.
        evidence: paths of its files of evidence, relative to the run's folder.
    """

    case: str
    title: str
    requirements: tuple[str, ...]
    verdict: Verdict
    seconds: float
    message: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    evidence: tuple[str, ...] = ()

    def attach(self, report: pytest.TestReport) -> None:
        """Attach the record to a report, which xdist transfers from a worker to the controller.

        Raises:
            TypeError: a fact cannot be written as JSON.
        """
        setattr(report, ATTRIBUTE, self.dump())

    def dump(self) -> str:
        """Return the record as JSON.

        Raises:
            TypeError: a fact cannot be written as JSON.
        """
        return json.dumps(vars(self))

    @classmethod
    def load(cls, text: str) -> Self:
        """Return the record of a text that `dump` returned."""
        row = json.loads(text)
        values = {name: tuple(row.get(name, ())) for name in ("requirements", "evidence")}
        return cls(**row | values | {"verdict": Verdict(row["verdict"])})

    @classmethod
    def of(cls, report: pytest.TestReport) -> Self | None:
        """Return the record attached to a report, or None."""
        text = getattr(report, ATTRIBUTE, None)
        return None if text is None else cls.load(text)

    def row(self) -> dict[str, Any]:
        """Return the row of verdict.json for this case; each of its requirements lists it."""
        row = {key: value for key, value in vars(self).items() if key not in {"requirements", "evidence"}}
        return row | ({"evidence": [*self.evidence]} if self.evidence else {})
