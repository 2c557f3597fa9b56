"""Explain differences between providers in the verdicts of the same build, from messages and differences.yaml."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from policies import datafile

if TYPE_CHECKING:
    from reports.runs import Run

KNOWN_DIFFERENCES = Path(__file__).with_name("differences.yaml")
UNEXPLAINED = "not explained: read the messages of its cases"


class Difference(Struct, frozen=True, forbid_unknown_fields=True):
    """A row of differences.yaml.

    Attributes:
        requirements: ids of requirements whose verdicts may differ.
        providers: providers between which they may differ.
        why: the reason.
    """

    requirements: tuple[str, ...]
    providers: tuple[str, ...]
    why: str


def reasons(runs: list[Run], identities: list[str]) -> dict[str, str]:
    """Return the requirements whose verdicts differ between providers by id, each with the reason.

    Args:
        runs: the runs to compare.
        identities: ids of the requirements to consider.
    """
    differing = [i for i in identities if len(set(map(frozenset, _verdicts(runs, i).values()))) > 1]
    return {identity: _reason(runs, identity) for identity in differing}


def _verdicts(runs: list[Run], identity: str) -> dict[str, set[str]]:
    """Map each provider to the verdicts that its runs gave to a requirement."""
    verdicts: dict[str, set[str]] = {}
    for run in runs:
        if identity in run.rows:
            verdicts.setdefault(run.provider, set()).add(run.verdict_of(identity))
    return verdicts


def _reason(runs: list[Run], identity: str) -> str:
    for run in runs:
        if run.verdict_of(identity) == "unsupported":
            messages = [case["message"] for case in run.rows[identity]["cases"] if case["message"]]
            return messages[0].splitlines()[0] if messages else f"unsupported on {run.provider}"
    providers = _verdicts(runs, identity).keys()
    known = (row for row in _known() if identity in row.requirements and set(row.providers) <= providers)
    return next((row.why for row in known), UNEXPLAINED)


@cache
def _known() -> tuple[Difference, ...]:
    return datafile.load(KNOWN_DIFFERENCES, KNOWN_DIFFERENCES.with_suffix(".schema.json")).to(tuple[Difference, ...])
