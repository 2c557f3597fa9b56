"""Build and write verdict.json, the machine-readable result of a run, which follows verdict.schema.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema

from reports import known, lateness, outcome

if TYPE_CHECKING:
    from collections.abc import Collection

    from reports.ledger import Ledger

SCHEMA = Path(__file__).parent / "verdict.schema.json"


def exit_code(ledger: Ledger, excused: Collection[str] = ()) -> int:
    """Return 0 if certified, 1 if not, 2 if inconclusive, 3 for an error of netproof or the machine.

    Args:
        ledger: the records of the run.
        excused: requirements that do not decide, because they fail as known.
    """
    if not ledger.records:
        return outcome.NO_CASES
    return outcome.EXIT_CODES[ledger.verdict(excused)]


def build(ledger: Ledger, facts: dict[str, Any], *, started: str, seconds: float, seed: int) -> dict[str, Any]:
    """Build the content of verdict.json.

    Args:
        ledger: the records of the run.
        facts: cni, cluster and programs, as the schema describes them, lateness if it was not negligible, and known if
            the run found out something about known divergences.
        started: when the run started, UTC in ISO 8601.
        seconds: the run's duration.
        seed: the seed of everything random.

    Raises:
        jsonschema.ValidationError: a fact does not follow the schema.
    """
    excused = known.excused(facts)
    document = {
        "schema": 1,
        "verdict": ledger.verdict(excused),
        "exit_code": exit_code(ledger, excused),
        "cni": facts["cni"],
        "cluster": facts["cluster"],
        "programs": facts["programs"],
        "seed": seed,
        "started": started,
        "seconds": round(seconds, 2),
        "counts": ledger.counts(),
        "requirements": ledger.requirements(),
    } | {name: facts[name] for name in (lateness.FACT, known.FACT) if name in facts}
    if without := [record.row() for record in ledger.records if not record.requirements]:
        document["cases_without_requirement"] = without
    jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text())).validate(document)
    return document


def write(path: Path, document: dict[str, Any]) -> None:
    """Write a document to a file atomically."""
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps(document, indent=1) + "\n")
    draft.replace(path)
