"""The record of one case: how it ended, and what it measured."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from reports.outcome import Verdict

if TYPE_CHECKING:
    import pytest

ATTRIBUTE = "netproof"  # of a pytest report; xdist carries attributes that JSON can hold


@dataclass(frozen=True)
class Record:
    """One case of a run.

    Attributes:
        case: pytest's node id.
        title: its sentence, with the ids of its parameters.
        requirements: ids of the requirements that it checks; a record of a case of netproof's own has none.
        verdict: its verdict.
        seconds: its duration.
        message: why it did not pass; "" if it passed.
        facts: measurements by name; JSON.
    """

    case: str
    title: str
    requirements: tuple[str, ...]
    verdict: Verdict
    seconds: float
    message: str = ""
    facts: dict[str, Any] = field(default_factory=dict)

    def attach(self, report: pytest.TestReport) -> None:
        """Put it on a report, which xdist carries to the controller.

        Raises:
            TypeError: a fact is not JSON.
        """
        setattr(report, ATTRIBUTE, json.dumps(vars(self)))

    @classmethod
    def of(cls, report: pytest.TestReport) -> Self | None:
        """The record on a report; None if the report has none."""
        text = getattr(report, ATTRIBUTE, None)
        if text is None:
            return None
        row = json.loads(text)
        return cls(**row | {"requirements": tuple(row["requirements"]), "verdict": Verdict(row["verdict"])})

    def row(self) -> dict[str, Any]:
        """Its row in verdict.json, below each of its requirements."""
        return {key: value for key, value in vars(self).items() if key != "requirements"}
