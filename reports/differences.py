"""Why the verdicts of the same build differ between providers: the message of its case, or a known difference."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import yaml

if TYPE_CHECKING:
    from reports.runs import Run

KNOWN = Path(__file__).with_name("differences.yaml")
NOT_KNOWN = "not explained: read the messages of its cases"


def lines(runs: list[Run], identities: list[str]) -> list[str]:
    """A line per requirement whose verdicts differ between providers, with the reason."""
    return [f"{i}: {_why(runs, i)}" for i in identities if len(set(map(frozenset, _verdicts(runs, i).values()))) > 1]


def _verdicts(runs: list[Run], identity: str) -> dict[str, set[str]]:
    """The verdicts of a requirement, by provider."""
    verdicts: dict[str, set[str]] = {}
    for run in runs:
        if identity in run.rows:
            verdicts.setdefault(run.provider, set()).add(run.of(identity))
    return verdicts


def _why(runs: list[Run], identity: str) -> str:
    for run in runs:
        if run.of(identity) == "unsupported":
            messages = [case["message"] for case in run.rows[identity]["cases"] if case["message"]]
            return messages[0].splitlines()[0] if messages else f"unsupported on {run.provider}"
    providers = _verdicts(runs, identity).keys()
    known = (row for row in _known() if identity in row["requirements"] and set(row["providers"]) <= providers)
    return next((str(row["why"]) for row in known), NOT_KNOWN)


@cache
def _known() -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = yaml.safe_load(KNOWN.read_text())
    jsonschema.validate(rows, json.loads(KNOWN.with_suffix(".schema.json").read_text()))
    return rows
