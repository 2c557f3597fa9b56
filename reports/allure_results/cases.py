"""The cases of a verdict.json as Allure shows them: below their requirements, with labels and links."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reports import known, outcome
from reports.allure_results.categories import KNOWN, STATUS, message_of
from reports.outcome import Verdict
from reports.redaction import redacted
from reports.report.texts import web_page

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

SEVERITY = {"MUST": "critical", "SHOULD": "normal", "MAY": "minor"}
WITHOUT = "cases without a requirement"
LABEL = "case"  # the label with pytest's node id, as in verdict.json
OWN_LABELS = {"epic", "feature", "story", "severity", "parentSuite", "suite", "subSuite", "requirement", "level"}


@dataclass(frozen=True)
class Case:
    """A case of a run.

    Attributes:
        name: pytest's node id.
        record: its row in verdict.json; the worst one if its phases have several.
        requirements: the rows of the requirements that list it.
        known: the known divergences that excuse its failure; () if it counts.
    """

    name: str
    record: Mapping[str, Any]
    requirements: tuple[Mapping[str, Any], ...]
    known: tuple[Mapping[str, Any], ...]


def of(document: Mapping[str, Any]) -> list[Case]:
    """Return the cases of a verdict.json, sorted by name."""
    records: dict[str, list[Mapping[str, Any]]] = {}
    requirements: dict[str, dict[str, Mapping[str, Any]]] = {}
    for row in document["requirements"]:
        for record in row["cases"]:
            records.setdefault(record["case"], []).append(record)
            requirements.setdefault(record["case"], {})[row["id"]] = row
    for record in document.get("cases_without_requirement", ()):
        records.setdefault(record["case"], []).append(record)
    excuses = {row["requirement"]: row for row in document.get(known.FACT, ()) if row["status"] == known.Status.FAILS}
    return [_case(name, records[name], requirements.get(name, {}), excuses) for name in sorted(records)]


def _case(
    name: str,
    records: Sequence[Mapping[str, Any]],
    requirements: Mapping[str, Mapping[str, Any]],
    excuses: Mapping[str, Mapping[str, Any]],
) -> Case:
    worst = outcome.worst(Verdict(record["verdict"]) for record in records)
    record = next(record for record in records if record["verdict"] == worst)
    is_excused = worst is Verdict.FAILED and bool(requirements) and requirements.keys() <= excuses.keys()
    reasons = tuple(excuses[identity] for identity in sorted(requirements)) if is_excused else ()
    return Case(name, record, tuple(requirements[identity] for identity in sorted(requirements)), reasons)


def fill(result: dict[str, Any], case: Case, catches: Mapping[str, str]) -> None:
    """Fill a result of Allure with what verdict.json has about its case.

    Args:
        result: the result of allure-pytest; its times, its attachments and its traceback stay.
        case: the case.
        catches: id of a requirement → the faults that a violation shows.
    """
    identity = hashlib.md5(case.name.encode(), usedforsecurity=False).hexdigest()
    parameters = [{**row, "value": row["value"].strip("'")} for row in result.get("parameters", ())]
    result |= {
        "name": case.record["title"],
        "fullName": case.name,
        # Allure finds the same case in earlier runs by them, and takes results that share them for repetitions.
        "testCaseId": identity,
        "historyId": identity,
        "status": STATUS[Verdict(case.record["verdict"])],
        "statusDetails": _details(case, result.get("statusDetails") or {}),
        "parameters": parameters,
        "labels": [*_labels(case), *(row for row in result.get("labels", ()) if row["name"] not in OWN_LABELS)],
        "links": list(_links(case)),
        "description": "\n\n".join([*_description(case, catches), f"`{case.name}`"]),
    }


def _details(case: Case, details: Mapping[str, Any]) -> dict[str, Any]:
    verdict = Verdict(case.record["verdict"])
    if verdict is Verdict.PASSED:
        return {}
    message = message_of(verdict, case.record["message"])
    reasons = [f"{KNOWN}, until {row['expires']}: {row['reason']}" for row in case.known]
    trace = (
        {} if verdict in {Verdict.UNSUPPORTED, Verdict.UNDEFINED} else {"trace": redacted(details.get("trace") or "")}
    )
    return {"message": "\n".join([*reasons, message]), **trace, "known": bool(case.known)}


def _labels(case: Case) -> list[dict[str, str]]:
    """Return the labels that place a case below its areas and requirements, and the severity of the strictest."""
    areas = _unique(row["area"] for row in case.requirements) or [WITHOUT]
    features = [f"{row['id']} {row['sentence']}" for row in case.requirements] or [case.name.partition("::")[0]]
    levels = sorted({row["level"] for row in case.requirements}, key=list(SEVERITY).index) or ["MUST"]
    rows = [
        *(("epic", area) for area in areas),
        *(("feature", feature) for feature in features),
        ("parentSuite", areas[0]),
        ("suite", features[0]),
        ("severity", SEVERITY[levels[0]]),
        *(("level", level) for level in levels if case.requirements),
        *(("requirement", row["id"]) for row in case.requirements),
    ]
    return [{"name": name, "value": value} for name, value in rows]


def _links(case: Case) -> Iterable[dict[str, str]]:
    pages = [(row["id"], web_page(str(row.get("link", "")))) for row in case.requirements]
    yield from ({"type": "link", "name": identity, "url": url} for identity, url in pages if url)
    for row in case.known:
        if url := web_page(row["link"]):
            yield {"type": "issue", "name": f"{KNOWN} {row['requirement']}", "url": url}


def _description(case: Case, catches: Mapping[str, str]) -> Iterable[str]:
    """Yield paragraphs in Markdown: each requirement, what its violation shows, and the effect on users."""
    for row in case.requirements:
        yield f"**{row['id']}** ({row['level']}): {row['sentence']}"
        if row["id"] in catches:
            yield f"Catches: {catches[row['id']]}."
        if row.get("consequence"):
            yield f"If it does not hold: {row['consequence']}"


def _unique(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(values))
