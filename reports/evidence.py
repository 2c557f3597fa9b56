"""Store the evidence of a case as files in the run's folder and as attachments in Allure."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

import allure
from allure_commons.types import AttachmentType

if TYPE_CHECKING:
    from pathlib import Path

    from policies.matrix import Matrix

STYLE = (
    "<style>table{border-collapse:collapse;font:13px monospace}td,th{border:1px solid #ccc;padding:3px 7px}"
    "td.right{background:#d8f0d8}td.wrong{background:#f6b8b8;font-weight:bold}th{text-align:left}</style>"
)


def attach_text(name: str, text: str, folder: Path | None = None) -> None:
    """Attach a text to the running case.

    Args:
        name: title of the attachment, and the file name without its suffix.
        text: the content.
        folder: where to write the file; None writes none.
    """
    allure.attach(text, name, AttachmentType.TEXT)
    _save(folder, f"{name}.txt", text)


def attach_page(name: str, page: str, folder: Path | None = None) -> None:
    """Attach an HTML page to the running case; the arguments are those of attach_text."""
    allure.attach(page, name, AttachmentType.HTML)
    _save(folder, f"{name}.html", page)


def attach_matrix(name: str, matrix: Matrix, folder: Path | None = None) -> None:
    """Attach a matrix as a coloured table, in which each wrong cell shows its reason."""
    attach_page(name, matrix_page(matrix), folder)


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


def _save(folder: Path | None, name: str, text: str) -> None:
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / re.sub(r"[^\w.+-]+", "-", name)).write_text(text)


def folder_of(out: Path, case: str) -> Path:
    """Return the folder for a case's evidence.

    Args:
        out: the run's folder.
        case: pytest's node id.
    """
    return out / "evidence" / re.sub(r"[^\w.+-]+", "-", case.rpartition("/")[2])
