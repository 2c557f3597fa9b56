"""Why the same build comes out differently on two providers: said by the case itself, or known."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import yaml

if TYPE_CHECKING:
    from reports.compare import Run

KNOWN = Path(__file__).with_name("differences.yaml")
NOT_KNOWN = "not explained: read what its cases say"


def lines(runs: list[Run], identities: list[str]) -> list[str]:
    """A line per requirement that differs between providers, with the reason."""
    return [f"{i}: {_why(runs, i)}" for i in identities if len(set(map(frozenset, _seen(runs, i).values()))) > 1]


def _seen(runs: list[Run], identity: str) -> dict[str, set[str]]:
    """By provider, the verdicts of a requirement."""
    found: dict[str, set[str]] = {}
    for run in runs:
        if identity in run.rows:
            found.setdefault(run.provider, set()).add(run.of(identity))
    return found


def _why(runs: list[Run], identity: str) -> str:
    for run in runs:
        if run.of(identity) == "unsupported":
            said = [case["message"] for case in run.rows[identity]["cases"] if case["message"]]
            return said[0].splitlines()[0] if said else f"unsupported on {run.provider}"
    providers = _seen(runs, identity).keys()
    known = (row for row in _known() if identity in row["requirements"] and set(row["providers"]) <= providers)
    return next((str(row["why"]) for row in known), NOT_KNOWN)


@cache
def _known() -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = yaml.safe_load(KNOWN.read_text())
    jsonschema.validate(rows, json.loads(KNOWN.with_suffix(".schema.json").read_text()))
    return rows
