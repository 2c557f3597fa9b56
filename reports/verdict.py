"""verdict.json: a run for machines, validated against its published schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema

from reports import lateness, outcome

if TYPE_CHECKING:
    from reports.ledger import Ledger

SCHEMA = Path(__file__).parent / "verdict.schema.json"


def exit_code(ledger: Ledger) -> int:
    """0 certified, 1 not certified, 2 inconclusive, 3 an error of netproof or the machine."""
    if not ledger.records:
        return outcome.NOTHING_SHOWN
    return outcome.EXIT_CODES[ledger.verdict()]


def build(ledger: Ledger, facts: dict[str, Any], *, started: str, seconds: float, seed: int) -> dict[str, Any]:
    """The document of a run; facts: cni, cluster, programs, and lateness if it matters."""
    document = {
        "schema": 1,
        "verdict": ledger.verdict(),
        "exit_code": exit_code(ledger),
        "cni": facts["cni"],
        "cluster": facts["cluster"],
        "programs": facts["programs"],
        "seed": seed,
        "started": started,
        "seconds": round(seconds, 2),
        "counts": ledger.counts(),
        "requirements": ledger.requirements(),
    } | {name: facts[name] for name in (lateness.FACT,) if name in facts}
    jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text())).validate(document)
    return document


def write(path: Path, document: dict[str, Any]) -> None:
    """Write it atomically."""
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps(document, indent=1) + "\n")
    draft.replace(path)
