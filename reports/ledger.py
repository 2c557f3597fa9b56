"""One record per case, in one place.  Workers hand records over; the ledger is the only one that keeps them.

A record is a plain dict: case (node id), title, requirements, verdict, seconds, message, facts.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from policies.requirements import load
from reports import outcome
from reports.outcome import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from policies.requirements import Requirement

Record = dict[str, Any]


@dataclass
class Ledger:
    """The records of a run.

    Attributes:
        records: one per case.
        known: the requirements of the run, by id.
    """

    records: list[Record] = field(default_factory=list)
    known: Mapping[str, Requirement] = field(default_factory=load)

    def add(self, record: Record) -> None:
        """Keep a record."""
        self.records.append(record)

    def requirements(self) -> list[dict[str, Any]]:
        """Each requirement that a case answered for, with its verdict and its cases, in order of id."""
        by_id: dict[str, list[Record]] = {}
        for record in self.records:
            for identity in record["requirements"]:
                by_id.setdefault(identity, []).append(record)
        return [_row(self.known[identity], by_id[identity]) for identity in sorted(by_id)]

    def verdict(self) -> Verdict:
        """The run's verdict."""
        rows = [(row["level"], Verdict(row["verdict"])) for row in self.requirements()]
        loose = [("MUST", Verdict(r["verdict"])) for r in self.records if not r["requirements"]]
        return outcome.of_run(rows + loose)

    def counts(self) -> dict[str, dict[str, int]]:
        """Requirements by verdict and level: {verdict: {level: n}}."""
        counted = Counter((row["verdict"], row["level"]) for row in self.requirements())
        levels = ("MUST", "SHOULD", "MAY")
        return {verdict: {level: counted[verdict, level] for level in levels} for verdict in outcome.ORDER}


def _row(requirement: Requirement, records: list[Record]) -> dict[str, Any]:
    verdict = outcome.of_requirement(Verdict(record["verdict"]) for record in records)
    return {
        "id": requirement.id,
        "level": requirement.level,
        "verdict": verdict,
        "area": requirement.area,
        "sentence": requirement.sentence,
        "link": requirement.link,
        "cases": [
            {key: record[key] for key in ("case", "title", "verdict", "seconds", "message", "facts")}
            for record in sorted(records, key=lambda record: record["case"])
        ],
    }
