"""Files that show why: kept in the run's folder and attached to the Allure case."""

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
    """Attach a text to the running case; also write it to folder where one is given."""
    allure.attach(text, name, AttachmentType.TEXT)
    _keep(folder, f"{name}.txt", text)


def attach_page(name: str, page: str, folder: Path | None = None) -> None:
    """Attach an HTML page."""
    allure.attach(page, name, AttachmentType.HTML)
    _keep(folder, f"{name}.html", page)


def attach_matrix(name: str, matrix: Matrix, folder: Path | None = None) -> None:
    """Attach a matrix as a coloured table, wrong cells marked, with the reason in words behind each."""
    attach_page(name, matrix_page(matrix), folder)


def matrix_page(matrix: Matrix) -> str:
    """A matrix as an HTML page."""
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


def _keep(folder: Path | None, name: str, text: str) -> None:
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / re.sub(r"[^\w.+-]+", "-", name)).write_text(text)


def folder_of(out: Path, case: str) -> Path:
    """Where a case's evidence is kept."""
    return out / "evidence" / re.sub(r"[^\w.+-]+", "-", case.rpartition("/")[2])
