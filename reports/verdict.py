"""Build and write verdict.json, the machine-readable result of a run, which follows verdict.schema.json."""

from __future__ import annotations

import json
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema

from reports import known, lateness, outcome, stored

if TYPE_CHECKING:
    from collections.abc import Collection

    from reports.ledger import Ledger

VERSION = 1  # of the format: docs/read-a-report.md has the promise
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
        "schema": VERSION,
        "verdict": ledger.verdict(excused),
        "exit_code": exit_code(ledger, excused),
        "cni": facts["cni"],
        "cluster": facts["cluster"],
        "programs": sorted(facts["programs"], key=itemgetter("name", "sha256")),
        "seed": seed,
        "started": started,
        "seconds": round(seconds, 2),
        "counts": ledger.counts(),
        "requirements": ledger.requirements(),
    } | {name: facts[name] for name in (lateness.FACT, known.FACT) if name in facts}
    if without := ledger.without_requirement():
        document["cases_without_requirement"] = without
    jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text())).validate(document)
    return document


def text(document: dict[str, Any]) -> str:
    """Return a document as text: equal documents have equal texts, whatever the order of their keys."""
    return json.dumps(document, indent=1, sort_keys=True) + "\n"


def write(path: Path, document: dict[str, Any]) -> None:
    """Write a document to a file atomically."""
    stored.replace(path, text(document))
