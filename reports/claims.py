"""Compare claims in documentation about a plugin with the verdicts of a run."""

from __future__ import annotations

import json
import time
import uuid
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reports.report import page as report_page

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


@dataclass(frozen=True)
class Answer:
    """A claim about a plugin and the answer that a run gives to it.

    Attributes:
        claim: the claim, as documentation phrases it.
        status: "holds" if the answer in the plugin's claims.yaml is confirmed, "fails" if a requirement that supports
            it failed, "open" if the run did not check all of them.
        sentence: the answer for readers.
        evidence: id of each requirement that supports the answer → its verdict.
    """

    claim: str
    status: str
    sentence: str
    evidence: dict[str, str]


def answer(rows: Iterable[dict[str, Any]], document: dict[str, Any]) -> list[Answer]:
    """Answer claims from a verdict.json.

    Args:
        rows: rows of the plugin's claims.yaml: {claim, answer, requirements}.
        document: the content of verdict.json.
    """
    verdicts = {row["id"]: str(row["verdict"]) for row in document["requirements"]}
    return [_answer(row, verdicts) for row in rows]


def _answer(row: dict[str, Any], verdicts: dict[str, str]) -> Answer:
    evidence = {identity: verdicts.get(identity, "not checked") for identity in row["requirements"]}
    wrong = [identity for identity, verdict in evidence.items() if verdict == "failed"]
    if wrong:
        return Answer(row["claim"], "fails", f"Does not hold here: see {', '.join(wrong)}.", evidence)
    if set(evidence.values()) != {"passed"}:
        reasons = ", ".join(f"{name} is {verdict}" for name, verdict in evidence.items() if verdict != "passed")
        return Answer(row["claim"], "open", f"Not answered by this run: {reasons}.", evidence)
    return Answer(row["claim"], "holds", row["answer"], evidence)


def add_to_allure(answers: list[Answer], folder: Path) -> None:
    """Add a result to a folder of Allure results, with the table of answers as its attachment."""
    identity = str(uuid.uuid4())
    source = f"{identity}-attachment.html"
    (folder / source).write_text(page(answers))
    counts = Counter(answer.status for answer in answers)
    now = int(time.time() * 1000)
    result = {
        "uuid": identity,
        "testCaseId": "claims",
        "historyId": "claims",
        "name": f"Claims: {counts['holds']} answered, {counts['fails']} do not hold, {counts['open']} not checked",
        "status": "passed",
        "stage": "finished",
        "start": now,
        "stop": now,
        "labels": [{"name": "epic", "value": "claims"}, {"name": "feature", "value": "claims in tutorials"}],
        "attachments": [{"name": "claims and answers", "source": source, "type": "text/html"}],
    }
    (folder / f"{identity}-result.json").write_text(json.dumps(result))


def page(answers: list[Answer]) -> str:
    """Render the answers as an HTML page."""
    template = report_page.environment(report_page.FOLDER).get_template("claims.html.j2")
    return template.render(answers=answers, style=report_page.style("style.css"))
