"""Store the evidence of a case as files in the run's folder and as attachments in Allure.

Every file is written by `write`, which removes secrets and keeps the limits. It is written at once, so that it stays
if the run is killed.
"""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import TYPE_CHECKING

import allure
from allure_commons.types import AttachmentType

from reports.redaction import redacted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from policies.matrix import Matrix

NAME = "evidence"  # the folder in that of the run
LONGEST_FILE = 256 * 1024  # bytes
LARGEST_CASE = 4 * 1024 * 1024  # bytes of all files of a case
LARGEST_RUN = 64 * 1024 * 1024  # bytes of all files of a run, after which no further case has any
ABOUT = "about.txt"  # what was collected at a failure, and what was not
FIRST = "The evidence was collected at the first failure of this kind: "  # and the path of its folder
ORDER = ("path", "matrix", "wrong-flows", "findings", "policies", "reproducer", "about")  # beginnings of names
TYPES = {
    ".txt": AttachmentType.TEXT,
    ".html": AttachmentType.HTML,
    ".yaml": AttachmentType.YAML,
    ".pcap": AttachmentType.PCAP,
}
STYLE = (
    "<style>table{border-collapse:collapse;font:13px monospace}td,th{border:1px solid #ccc;padding:3px 7px}"
    "td.right{background:#d8f0d8}td.wrong{background:#f6b8b8;font-weight:bold}th{text-align:left}</style>"
)
ATTACHED: set[Path] = set()  # files that this process has attached


def write(folder: Path, name: str, content: str | bytes, known: Iterable[str] = ()) -> str:
    """Write a file of evidence, without secrets and within the limits; returns "", or why the file is missing.

    A text that is too long is truncated, and says so in its last line.

    Args:
        folder: the folder of the case.
        name: its title; a name without a suffix of TYPES is that of a text.
        content: a text, or bytes that contain no secrets.
        known: NAME=VALUE of variables of the environment whose values texts may contain.
    """
    path = folder / _file_name(name)
    data = content if isinstance(content, bytes) else _limited(redacted(content, known)).encode()
    if len(data) > LONGEST_FILE:
        return f"{path.name}: it has {len(data)} bytes, and a file has {LONGEST_FILE} at most"
    if size(folder) + len(data) > LARGEST_CASE:
        return f"{path.name}: the files of the case would have more than {LARGEST_CASE} bytes"
    if not folder.exists() and size(folder.parent) > LARGEST_RUN:  # so that a run exceeds it by a few cases at most
        return f"{path.name}: the files of earlier cases have {LARGEST_RUN} bytes"
    folder.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return ""


def size(folder: Path) -> int:
    """Return the bytes of all files below a folder; 0 if it does not exist."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _limited(text: str) -> str:
    data = text.encode()
    if len(data) <= LONGEST_FILE:
        return text
    end = f"\n[truncated: the text has {len(data)} bytes, and a file has {LONGEST_FILE} at most]\n"
    return data[: LONGEST_FILE - len(end)].decode(errors="ignore") + end


def attach_text(name: str, text: str, folder: Path | None = None) -> None:
    """Attach a text to the running case.

    Args:
        name: title of the attachment, and the file name without its suffix.
        text: the content.
        folder: where to write the file; None writes none.
    """
    _attach(name, text, folder)


def attach_page(name: str, page: str, folder: Path | None = None) -> None:
    """Attach an HTML page to the running case; the arguments are those of attach_text."""
    _attach(f"{name}.html", page, folder)


def attach_matrix(name: str, matrix: Matrix, folder: Path | None = None) -> None:
    """Attach a matrix as a coloured table, in which each wrong cell shows its reason."""
    attach_page(name, matrix_page(matrix), folder)


def _attach(name: str, text: str, folder: Path | None) -> None:
    if folder is None:
        file = Path(_file_name(name))
        allure.attach(_limited(redacted(text)), file.stem, TYPES[file.suffix])
    elif not write(folder, name, text):
        _attach_file(folder / _file_name(name), name.removesuffix(".html"))


def attach_files(folder: Path) -> None:
    """Attach the files of a case to the case that runs, without those that this process has attached already."""
    for path in _sorted(folder):
        if path not in ATTACHED:
            _attach_file(path, path.stem.replace("-", " "))


def _attach_file(path: Path, title: str) -> None:
    allure.attach.file(str(path), title, TYPES[path.suffix], path.suffix[1:])
    ATTACHED.add(path)


def _sorted(folder: Path) -> list[Path]:
    """Return the files of a case, those that explain the most first."""

    def place(path: Path) -> tuple[int, str]:
        return next((at for at, name in enumerate(ORDER) if path.name.startswith(name)), len(ORDER)), path.name

    return sorted((path for path in folder.glob("*") if path.suffix in TYPES), key=place)


def files(out: Path, case: str) -> tuple[str, ...]:
    """Return the paths of a case's files of evidence, relative to the run's folder, as verdict.json has them.

    The folder of the first failure of the same kind is the last one, if it has the evidence.
    """
    folder = folder_of(out, case)
    found = [path.relative_to(out).as_posix() for path in _sorted(folder)]
    about = folder / ABOUT
    text = about.read_text(encoding="utf-8") if about.is_file() else ""
    first = re.search(rf"^{FIRST}\.\./(.+)$", text, re.MULTILINE)
    return (*found, f"{NAME}/{first[1]}") if first else tuple(found)


def matrix_page(matrix: Matrix) -> str:
    """Render a matrix as an HTML page: a row per client, a column per server."""
    head = "".join(f"<th>{html.escape(column)}</th>" for column in matrix.columns)
    body = "".join(
        f"<tr><th>{html.escape(row)}</th>{''.join(_cell(matrix, row, column) for column in matrix.columns)}</tr>"
        for row in matrix.rows
    )
    return f"<!doctype html><meta charset=utf-8>{STYLE}<table><tr><th>from \\ to</th>{head}</tr>{body}</table>"


def _cell(matrix: Matrix, row: str, column: str) -> str:
    wrong = matrix.cells.get((row, column))
    if wrong is None:
        return "<td></td>"
    if not wrong:
        return '<td class="right">&#10003;</td>'
    details = html.escape("\n".join(str(item) for item in wrong))
    return f'<td class="wrong" title="{details}">&#10007; {html.escape(wrong[0].why)}</td>'


def _file_name(name: str) -> str:
    """Return the name of a file for a title; a title without a suffix of TYPES is that of a text."""
    clean = re.sub(r"[^\w.+-]+", "-", name)
    return clean if Path(clean).suffix in TYPES else f"{clean}.txt"


def folder_of(out: Path, case: str) -> Path:
    """Return the folder for a case's evidence.

    Args:
        out: the run's folder.
        case: pytest's node id.
    """
    return out / NAME / re.sub(r"[^\w.+-]+", "-", case.rpartition("/")[2])
