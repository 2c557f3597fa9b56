"""Read a verdict.json that a user names: of a run to compare, or of a baseline."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
from jsonschema.exceptions import best_match

from reports import stored

SCHEMA = Path(__file__).with_name("verdict.schema.json")
VERSION = 1  # of the schema
LONGEST_RULE = 200  # characters


class BadVerdictError(Exception):
    """A file cannot be used as a verdict.json; the message, one sentence, names the file and what is wrong with it."""


def read(path: Path) -> dict[str, Any]:
    """Return the content of a verdict.json.

    Args:
        path: the file, whatever its name is, or the folder of a run; unpacked if its name ends in .gz.

    Raises:
        BadVerdictError: it cannot be read, is no verdict.json, or follows another schema.
    """
    file = stored.of(path) if path.is_dir() else path
    try:
        document = json.loads(stored.text_of(file))
    except OSError as error:
        raise BadVerdictError(f"{file} cannot be read: {error.strerror}.") from error
    except ValueError as error:  # UnicodeDecodeError and JSONDecodeError
        raise BadVerdictError(f"{file} is not JSON: {error}.") from error
    if not isinstance(document, dict) or not {"schema", "verdict", "requirements"} <= document.keys():
        raise BadVerdictError(f"{file} is no verdict.json of netproof; give the one in the folder of a run.")
    if document["schema"] != VERSION:
        raise BadVerdictError(f"{file} has schema {document['schema']!r}; this netproof reads schema {VERSION}.")
    if broken := best_match(_validator().iter_errors(document)):
        where = "/".join(map(str, broken.absolute_path)) or "the whole file"
        raise BadVerdictError(f"{file} breaks the schema of verdict.json at {where}: {broken.message[:LONGEST_RULE]}.")
    return document


@cache
def _validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))
