"""The requirements that cases answer for: those of policies/requirements, and those that lie with a plugin."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from policies import clauses

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Requirement:
    """One thing a plugin has to do.

    Attributes:
        id: as written; never positional.
        level: MUST, SHOULD or MAY.
        sentence: what it demands.
        link: where that is written down.
        area: the group it belongs to.
        catches: what goes wrong where it is not met.
    """

    id: str
    level: str
    sentence: str
    link: str
    area: str
    catches: str


class BrokenRequirementsError(Exception):
    """A requirement file breaks its schema, or two use one id; the message names file and entry."""


@cache
def load(own: tuple[Path, ...] = ()) -> dict[str, Requirement]:
    """Every requirement by id.

    Args:
        own: files of the plugin under test.

    Raises:
        BrokenRequirementsError: a file is not as its schema says.
    """
    schema = json.loads((FOLDER / "requirements.schema.json").read_text())
    found: dict[str, Requirement] = {}
    for path in (*sorted(FOLDER.glob("*.yaml")), *own):
        data = yaml.safe_load(path.read_text())
        for error in jsonschema.Draft202012Validator(schema).iter_errors(data):
            where = "/".join(str(part) for part in error.absolute_path)
            raise BrokenRequirementsError(f"{path}, {where}: {error.message}")
        for row in data["requirements"]:
            if row["id"] in found:
                raise BrokenRequirementsError(f"{path}: {row['id']} is used twice")
            found[row["id"]] = Requirement(area=data["area"], **{"link": data["link"], **_worded(row, path)})
    return found


def _worded(row: dict[str, Any], path: Path) -> dict[str, Any]:
    """A row with its sentence: one that names a clause has the clause's sentence and link."""
    if "clause" not in row:
        return row
    clause = clauses.load().get(row["clause"])
    if clause is None:
        raise BrokenRequirementsError(f"{path}: {row['id']} names clause {row['clause']}, and there is none.")
    rest = {key: value for key, value in row.items() if key != "clause"}
    return {"sentence": clause.sentence, "link": clause.link, **rest}
