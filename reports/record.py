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
    """

    case: str
    title: str
    requirements: tuple[str, ...]
    verdict: Verdict
    seconds: float
    message: str = ""
    facts: dict[str, Any] = field(default_factory=dict)

    def attach(self, report: pytest.TestReport) -> None:
        """Attach the record to a report, which xdist transfers from a worker to the controller.

        Raises:
            TypeError: a fact cannot be written as JSON.
        """
        setattr(report, ATTRIBUTE, json.dumps(vars(self)))

    @classmethod
    def of(cls, report: pytest.TestReport) -> Self | None:
        """Return the record attached to a report, or None."""
        text = getattr(report, ATTRIBUTE, None)
        if text is None:
            return None
        row = json.loads(text)
        return cls(**row | {"requirements": tuple(row["requirements"]), "verdict": Verdict(row["verdict"])})

    def row(self) -> dict[str, Any]:
        """Return the row of verdict.json for this case; each of its requirements lists it."""
        return {key: value for key, value in vars(self).items() if key != "requirements"}
