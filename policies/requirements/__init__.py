"""The requirements that cases check: those of policies/requirements, and those of a plugin's folder."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from policies import clauses, datafile

FOLDER = Path(__file__).parent
SCHEMA = FOLDER / "requirements.schema.json"


@dataclass(frozen=True)
class Requirement:
    """A requirement on a plugin.

    Attributes:
        id: as in the file; never reused.
        level: MUST, SHOULD or MAY.
        sentence: the requirement.
        link: the page that states it.
        area: the group it belongs to.
        catches: the faults that a violation shows.
        consequence: the effect of a violation on users, one sentence; "" if the file states none.
    """

    id: str
    level: str
    sentence: str
    link: str
    area: str
    catches: str
    consequence: str = ""


@cache
def load(own: tuple[Path, ...] = ()) -> dict[str, Requirement]:
    """Every requirement by id.

    Args:
        own: requirement files of the plugin under test.

    Raises:
        BadFileError: a file breaks its schema, uses an id that exists or names an unknown clause.
    """
    requirements: dict[str, Requirement] = {}
    for path in (*sorted(FOLDER.glob("*.yaml")), *own):
        document = datafile.load(path, SCHEMA)
        data = document.data
        for index, row in enumerate(data["requirements"]):
            if row["id"] in requirements:
                raise document.bad(("requirements", index, "id"), f"{row['id']} is used twice")
            shared = {"link": data["link"], "consequence": data.get("consequence", "")}
            fields = {**shared, **_with_sentence(row, document, index)}
            requirements[row["id"]] = Requirement(area=data["area"], **fields)
    return requirements


def _with_sentence(row: dict[str, Any], document: datafile.Document, index: int) -> dict[str, Any]:
    """A row with its sentence: one that names a clause has the clause's sentence and link."""
    if "clause" not in row:
        return row
    clause = clauses.load().get(row["clause"])
    if clause is None:
        raise document.bad(("requirements", index, "clause"), f"there is no clause {row['clause']}")
    rest = {key: value for key, value in row.items() if key != "clause"}
    return {"sentence": clause.sentence, "link": clause.link, **rest}
