"""Known divergences: what fails as known, the rows that need somebody to act, and the comparison with a baseline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reports import baseline, failing, known
from reports.report.texts import begun, web_page

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reports.baseline import Comparison

LONGEST_MESSAGE = 300  # characters


@dataclass(frozen=True)
class Divergence:
    """A requirement that fails as known.

    Attributes:
        id: its id.
        level: its level.
        sentence: the requirement.
        reason: why it fails.
        link: where the divergence is tracked; "" for none.
        expires: the last day on which the failure does not count.
        message: the beginning of the message of a failed case.
    """

    id: str
    level: str
    sentence: str
    reason: str
    link: str
    expires: str
    message: str


@dataclass(frozen=True)
class Known:
    """What a run found out about known divergences.

    Attributes:
        divergences: what fails as known.
        findings: sentences about rows to remove, to renew or to extend.
        against: the comparison with the baseline; None without one.
    """

    divergences: tuple[Divergence, ...]
    findings: tuple[str, ...]
    against: Comparison | None


def of(document: Mapping[str, Any]) -> Known:
    """Return the known divergences of a verdict.json."""
    rows = {row["id"]: row for row in failing.as_known(dict(document))}
    found = [row for row in document.get(known.FACT, ()) if row["status"] == known.Status.FAILS]
    findings = [f"{row['sentence']} ({row['file']})" for row in known.others(document)]
    divergences = tuple(_divergence(rows[row["requirement"]], row) for row in found)
    return Known(divergences, tuple(findings), baseline.of(document))


def _divergence(row: Mapping[str, Any], finding: Mapping[str, Any]) -> Divergence:
    messages = [case["message"].strip() for case in row["cases"] if case["verdict"] == "failed"]
    return Divergence(
        id=row["id"],
        level=row["level"],
        sentence=row["sentence"],
        reason=finding["reason"],
        link=web_page(finding["link"]),
        expires=finding["expires"],
        message=begun(messages[0].partition("\n")[0], LONGEST_MESSAGE) if messages else "",
    )
