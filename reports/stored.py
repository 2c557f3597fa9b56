"""The verdict.json of a run that has ended; verdict.json.gz of one that is published."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import zlib
from errno import EINVAL
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

OUT = Path(__file__).parent / "out"  # the folder with the folders of runs, unless --out names another
NAME = "verdict.json"
PACKED = f"{NAME}.gz"
NAMES = (NAME, PACKED)


class NoVerdictError(Exception):
    """A folder has no readable verdict.json; the message names it."""


def read(folder: Path) -> dict[str, Any]:
    """Return the content of the verdict.json in a run's folder.

    Raises:
        NoVerdictError: the folder has no verdict.json, or it is no JSON.
    """
    source = of(folder)
    try:
        document: dict[str, Any] = json.loads(text_of(source))
    except (OSError, ValueError) as error:
        raise NoVerdictError(f"{source} cannot be read: {error}.") from error
    return document


def of(folder: Path) -> Path:
    """Return the path of a run's verdict.json, or of its verdict.json.gz where that alone exists."""
    packed = folder / PACKED
    return packed if packed.exists() and not (folder / NAME).exists() else folder / NAME


def text_of(file: Path) -> str:
    """Return the text of a file, unpacked if its name ends in .gz.

    Raises:
        OSError: it cannot be read or unpacked.
        UnicodeDecodeError: it is no UTF-8.
    """
    content = file.read_bytes()
    if file.suffix == ".gz":
        try:
            content = gzip.decompress(content)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise OSError(EINVAL, f"it cannot be unpacked ({error})") from error
    return content.decode()


def pack(text: str) -> bytes:
    """Return a text as the content of a .gz file: the same bytes for the same text."""
    return gzip.compress(text.encode(), compresslevel=9, mtime=0)


def cases(document: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """Return every case with the id of a requirement that lists it, sorted by both.

    A case that several requirements list is returned once, with the first of their ids.
    """
    by_name = {case["case"]: (row["id"], case) for row in reversed(document["requirements"]) for case in row["cases"]}
    return sorted(by_name.values(), key=lambda pair: (pair[0], pair[1]["case"]))


def replace(path: Path, text: str) -> None:
    """Write a text file atomically, so that no program reads half of it."""
    draft = path.with_name(f".{path.name}.new")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)


def point_latest(out: Path) -> None:
    """Point the link `latest` to a run's folder, atomically; without effect for a folder that --out names."""
    if out.parent != OUT:
        return
    draft = out.parent / f".latest-{os.getpid()}"
    with contextlib.suppress(FileNotFoundError):
        draft.unlink()
    draft.symlink_to(out.name)
    draft.replace(out.parent / "latest")
