"""The kinds of failures of a run: the first failure of each is the one whose evidence is collected.

A kind is the requirements of a case and what failed, such as `D02 timeout`: three hundred wrong flows have one cause
more often than three hundred. Each kind has a file in the run's folder, which its first failure creates, on whichever
worker of xdist that is.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = "kinds"  # in the folder `evidence`
MOST = 25  # kinds of a run, so that one without any working flow takes a minute longer at most
LONGEST = 80  # characters of the name of a file


class TooManyKindsError(Exception):
    """The evidence of MOST kinds has been collected."""


def first(folder: Path, kind: str) -> str:
    """Return "" if a case is the first of its kind, or the name of the folder of the case that was.

    Args:
        folder: the folder of the case's evidence.
        kind: requirements and what failed.

    Raises:
        TooManyKindsError: no more kinds are collected.
    """
    kinds = folder.parent / FOLDER
    path = kinds / re.sub(r"[^\w.+-]+", "-", kind)[:LONGEST]
    with contextlib.suppress(FileNotFoundError):
        return path.read_text(encoding="utf-8")
    kinds.mkdir(parents=True, exist_ok=True)
    if sum(not each.name.startswith(".") for each in kinds.iterdir()) >= MOST:
        raise TooManyKindsError(f"The evidence of {MOST} kinds of failures has been collected; this kind is another.")
    draft = kinds / f".{secrets.token_hex(8)}"
    draft.write_text(folder.name, encoding="utf-8")
    try:
        os.link(draft, path)  # with its content, and only if there is none
    except FileExistsError:
        return path.read_text(encoding="utf-8")
    finally:
        draft.unlink()
    return ""


def of(requirements: str, what: str) -> str:
    """Return a kind; an outcome such as `unreachable:WHY` counts without its details."""
    return f"{requirements or 'none'} {what.partition(':')[0]}"
