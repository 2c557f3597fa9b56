"""Render the page: collect the parts of a verdict.json, and fill in the templates."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2

from reports import stored
from reports.report import (
    answer,
    areas,
    certified,
    failures,
    generated,
    known,
    motion,
    performance,
    recovery,
    texts,
    untried,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

FOLDER = Path(__file__).parent / "templates"
NAME = "report.html"
COLOURS, PICTURES = "colours.css", "pictures.css"


def render(document: Mapping[str, Any]) -> str:
    """Return the page of a run as HTML; equal documents have equal pages.

    Args:
        document: the content of verdict.json.
    """
    parts = {
        "answer": answer.of(document),
        "certified": certified.of(document),
        "failures": failures.of(document),
        "known": known.of(document),
        "areas": areas.of(document),
        "generated": generated.of(document),
        "motion": motion.of(document),
        "performance": performance.of(document),
        "recovery": recovery.of(document),
        "untried": untried.of(document),
        "again": {"run": "", "failed": ""} | document.get("again", {}),
        "cni": document["cni"],
        "new_id": texts.new_ids(),
        "style": style("style.css"),
    }
    return environment(FOLDER).get_template("report.html.j2").render(parts)


@cache
def style(*names: str) -> str:
    """Return the colours and the rules of pictures, which every page and picture has, and those of some further files.

    Args:
        names: of files in FOLDER.
    """
    return "".join((FOLDER / name).read_text(encoding="utf-8") for name in (COLOURS, PICTURES, *names))


def write(folder: Path) -> Path:
    """Render the page of a run's folder from its verdict.json; returns the path of the page.

    Raises:
        stored.NoVerdictError: the folder has no verdict.json, or it is no JSON.
    """
    target = folder / NAME
    stored.replace(target, render(stored.read(folder)))
    return target


def write_or_reason(folder: Path) -> str:
    """Render the page at the end of a run; returns its path, or the folder and the reason why the page is missing.

    The verdict and the exit code of a run stand, whatever is wrong with its page.
    """
    try:
        return str(write(folder))
    except Exception as error:  # noqa: BLE001 - see above
        return f"{folder} (no {NAME}: {type(error).__name__}: {error})"


def environment(*folders: Path) -> jinja2.Environment:
    """Return the environment of templates in some folders; it escapes every value, and an unknown name is an error."""
    result = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folders),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    result.filters |= {"seconds": texts.seconds, "verdict_mark": texts.verdict_mark, "plural": texts.plural}
    return result
