"""Complete the results that allure-pytest wrote during a run, when its verdict is known.

allure-pytest names cases by their functions, and knows only exceptions. verdict.json decides what failed and what is
an error of netproof, and which failures are known.
"""

from __future__ import annotations

import json
import re
import uuid
from datetime import datetime
from typing import TYPE_CHECKING, Any

from reports import page, stored
from reports.allure_results import cases, categories, pictures
from reports.report import certified

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from reports.allure_results.cases import Case

ENVIRONMENT = "environment.properties"


def complete_or_reason(folder: Path, document: Mapping[str, Any], catches: Mapping[str, str]) -> str:
    """Complete the results at the end of a run; returns "", or the reason why they are not complete, in parentheses.

    The verdict and the exit code of a run stand, whatever is wrong with these files.
    """
    try:
        complete(folder, document, catches)
    except Exception as error:  # noqa: BLE001 - see above
        return f" (Allure's results are not complete: {type(error).__name__}: {error})"
    return ""


def complete(folder: Path, document: Mapping[str, Any], catches: Mapping[str, str]) -> None:
    """Complete a folder of results, and add a result for each case without one: its worker crashed.

    Args:
        folder: the folder allure-results.
        document: the content of verdict.json.
        catches: id of a requirement → the faults that a violation shows.

    Raises:
        OSError: a file cannot be read or written.
        ValueError: a result is no JSON.
    """
    results = _by_case(folder)
    for case in cases.of(document):
        for path, result in results.get(case.name) or [_new(folder, document, case)]:
            cases.fill(result, case, catches)
            attached = list(_pictures(folder, case, document["cluster"].get("datapath", {})))
            result["attachments"] = [*attached, *result.get("attachments", ())]
            stored.replace(path, json.dumps(result))
    stored.replace(folder / page.CATEGORIES, json.dumps(categories.rows(), indent=1))
    stored.replace(folder / ENVIRONMENT, environment(document))
    stored.replace(folder / page.EXECUTOR, json.dumps(executor(document), indent=1))


def _by_case(folder: Path) -> dict[str, list[tuple[Path, dict[str, Any]]]]:
    """Return the files and results of each case, by the label with its name."""
    found: dict[str, list[tuple[Path, dict[str, Any]]]] = {}
    for path in sorted(folder.glob("*-result.json")):
        result = json.loads(path.read_text(encoding="utf-8"))
        for row in result.get("labels", ()):
            if row["name"] == cases.LABEL:
                found.setdefault(row["value"], []).append((path, result))
    return found


def _new(folder: Path, document: Mapping[str, Any], case: Case) -> tuple[Path, dict[str, Any]]:
    """Return a result for a case that has none; it begins with the run, because its time is not known."""
    identity = str(uuid.uuid4())
    begun = _milliseconds(document)
    times = {"start": begun, "stop": begun + int(case.record["seconds"] * 1000)}
    label = {"name": cases.LABEL, "value": case.name}
    return folder / f"{identity}-result.json", {"uuid": identity, "stage": "finished", **times, "labels": [label]}


def _pictures(folder: Path, case: Case, datapath: Mapping[str, str]) -> Iterable[dict[str, str]]:
    for name, picture in pictures.of(case.record["facts"], datapath):
        source = f"{uuid.uuid4()}-attachment.svg"
        (folder / source).write_text(picture, encoding="utf-8")
        yield {"name": name, "source": source, "type": pictures.TYPE}


def environment(document: Mapping[str, Any]) -> str:
    """Return environment.properties: the plugin, the cluster, the run, and the version of each program."""
    found = certified.of(document)
    programs = [(program.name, f"{program.version} sha256:{program.sha256[:12]}") for program in found.programs]
    rows = [*found.rows, *programs]
    if again := document.get("again", {}).get("run"):
        rows.append(("Run again", again))
    return "".join(f"{_escaped(name.replace(' ', '_'))} = {_escaped(value)}\n" for name, value in rows)


def _escaped(text: str) -> str:
    """Escape what the format of properties would not read as text."""
    return re.sub(r"([\\:=#!])", r"\\\1", " ".join(text.split()))


def executor(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return executor.json: the name of the report, and of the run within its history."""
    started = document["started"].replace("T", " ").replace("Z", " UTC")
    return {
        "name": "netproof",
        "type": "netproof",
        "reportName": f"{document['cni']} on {document['cluster']['provider']}",
        "buildName": f"{document['cni']}, {started}",
        "buildOrder": _milliseconds(document) // 1000,
    }


def _milliseconds(document: Mapping[str, Any]) -> int:
    return int(datetime.fromisoformat(document["started"]).timestamp() * 1000)
