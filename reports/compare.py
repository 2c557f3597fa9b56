"""Compare several verdict.json files: print a table of requirements and write it as an HTML page.

Usage: `python -m reports.compare FILE…`. With `-` among the files, standard input lists the runs that wrote no
verdict, one line `NAME: reason` for each.
"""

from __future__ import annotations

import html
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from reports import differences
from reports.runs import FIGURES, Run, load, order

MARKS = {
    "passed": ".",
    "failed": "X",
    "unsupported": "-",
    "inconclusive": "?",
    "error": "E",
    "undefined": "u",
    "": " ",
}
COLOURS = {"passed": "#d8f0d8", "failed": "#f6b8b8", "unsupported": "#eee", "error": "#f6b8b8", "": "#fff"}
STYLE = "table{border-collapse:collapse;font:13px monospace}td,th{border:1px solid #ccc;padding:3px 6px}"


def table(runs: list[Run]) -> Table:
    """Build the table for the terminal: a row per requirement, a numbered column per run."""
    result = Table(box=None, pad_edge=False, header_style="bold")
    result.add_column("id")
    for number, _ in enumerate(runs, 1):
        result.add_column(str(number), justify="right")
    result.add_column("requirement", overflow="ellipsis", no_wrap=True)
    for identity in order(runs):
        sentence = next(run.rows[identity]["sentence"] for run in runs if identity in run.rows)
        result.add_row(identity, *(MARKS[run.verdict_of(identity)] for run in runs), sentence)
    return result


def figures(runs: list[Run]) -> Table:
    """Build the table of measurements: a row per run."""
    result = Table("run", *(figure.fact for figure in FIGURES), box=None, pad_edge=False, header_style="bold")
    for number, run in enumerate(runs, 1):
        result.add_row(f"{number} {run.name}", *(run.figure(figure) for figure in FIGURES))
    return result


def page(runs: list[Run], without_verdict: list[str]) -> str:
    """Render the tables as an HTML page; the tooltip of a cell has the messages of its cases.

    Args:
        runs: a column each.
        without_verdict: lines about runs that wrote no verdict.
    """
    head = "".join(f"<th>{html.escape(run.name)}<br>{run.verdict}</th>" for run in runs)
    lines = []
    for identity in order(runs):
        sentence = next(run.rows[identity]["sentence"] for run in runs if identity in run.rows)
        cells = "".join(_cell(run, identity) for run in runs)
        lines.append(f"<tr><th>{identity}</th>{cells}<td>{html.escape(sentence)}</td></tr>")
    without = "".join(f"<p>{html.escape(line)}</p>" for line in without_verdict)
    rows = "".join(
        f"<tr><th>{html.escape(run.name)}</th>{''.join(f'<td>{run.figure(figure)}</td>' for figure in FIGURES)}</tr>"
        for run in runs
    )
    measurements = f"<table><tr><th></th>{''.join(f'<th>{figure.fact}</th>' for figure in FIGURES)}</tr>{rows}</table>"
    reasons = "".join(f"<p>{html.escape(line)}</p>" for line in differences.lines(runs, order(runs)))
    body = f"<table><tr><th></th>{head}</tr>{''.join(lines)}</table>{reasons}<p></p>{measurements}{without}"
    return f"<!doctype html><meta charset=utf-8><style>{STYLE}</style>{body}"


def _cell(run: Run, identity: str) -> str:
    verdict = run.verdict_of(identity)
    messages = "\n".join(c["message"] for c in run.rows.get(identity, {}).get("cases", []) if c["message"])
    colour = COLOURS.get(verdict, "#ffe9b0")
    return f'<td style="background:{colour}" title="{html.escape(messages[:2000])}">{verdict}</td>'


def main(paths: list[str]) -> int:
    """Print the comparison and write compare.html into the parent of the first run's folder; returns the exit code."""
    runs = [load(Path(path)) for path in paths if path != "-"]
    without_verdict = sys.stdin.read().splitlines() if "-" in paths else []
    console = Console(highlight=False)
    if runs:
        console.print(table(runs))
        console.print(figures(runs))
        console.print("\n" + "  ".join(f"{mark} {name}" for name, mark in MARKS.items() if name))
    for number, run in enumerate(runs, 1):
        console.print(f"{number:3} {run.name}: {run.verdict} ({run.seconds:.0f} s)")
    for line in without_verdict:
        console.print(f"  - {line}")
    for line in differences.lines(runs, order(runs)):
        console.print(f"differs: {line}", soft_wrap=True)
    if runs:
        out = Path(next(path for path in paths if path != "-")).parent.parent / "compare.html"
        out.write_text(page(runs, without_verdict))
        console.print(f"page: {out}", soft_wrap=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
