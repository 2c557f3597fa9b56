"""The records of a run and the verdicts computed from them; only the process that writes reports has a ledger."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from policies.requirements import load
from reports import outcome
from reports.outcome import Verdict

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from policies.requirements import Requirement
    from reports.record import Record


@dataclass
class Ledger:
    """The records of a run.

    Attributes:
        records: one per phase of a case that has a verdict.
        known: the requirements that cases of the run may cite, by id.
    """

    records: list[Record] = field(default_factory=list)
    known: Mapping[str, Requirement] = field(default_factory=load)

    def add(self, record: Record) -> None:
        """Add a record."""
        self.records.append(record)

    def requirements(self) -> list[dict[str, Any]]:
        """Return a row of verdict.json for each requirement that a case checked, sorted by id."""
        by_id: dict[str, list[Record]] = {}
        for record in self.records:
            for identity in record.requirements:
                by_id.setdefault(identity, []).append(record)
        return [_row(self.known[identity], by_id[identity]) for identity in sorted(by_id)]

    def without_requirement(self) -> list[dict[str, Any]]:
        """Return the rows of verdict.json for cases that cite no requirement, sorted by case."""
        return [record.row() for record in sorted(self.records, key=_order) if not record.requirements]

    def verdict(self, excused: Collection[str] = ()) -> Verdict:
        """Return the verdict of the run; a case without a requirement counts as a MUST.

        Args:
            excused: requirements that do not decide.
        """
        rows = [(row["level"], Verdict(row["verdict"])) for row in self.requirements() if row["id"] not in excused]
        without_requirement = [("MUST", record.verdict) for record in self.records if not record.requirements]
        return outcome.of_run(rows + without_requirement)

    def counts(self) -> dict[str, dict[str, int]]:
        """Count requirements by verdict and level: {verdict: {level: n}}."""
        counted = Counter((row["verdict"], row["level"]) for row in self.requirements())
        levels = ("MUST", "SHOULD", "MAY")
        return {verdict: {level: counted[verdict, level] for level in levels} for verdict in outcome.ORDER}


def _order(record: Record) -> tuple[str, str]:
    """Return the key by which records are sorted, whatever the order in which cases ended: a case may have several."""
    return record.case, json.dumps(record.row(), sort_keys=True)


def _row(requirement: Requirement, records: list[Record]) -> dict[str, Any]:
    verdict = outcome.of_requirement(record.verdict for record in records)
    return {
        "id": requirement.id,
        "level": requirement.level,
        "verdict": verdict,
        "area": requirement.area,
        "sentence": requirement.sentence,
        "link": requirement.link,
        **({"consequence": requirement.consequence} if requirement.consequence else {}),
        "cases": [record.row() for record in sorted(records, key=_order)],
    }
