"""Several verdict.json side by side: which requirements differ, on the terminal and as a page.

`python -m reports.compare FILE…` shows runs; with `-` among them, each line `NAME: why` on standard input stands for
a run that said nothing.
"""

from __future__ import annotations

import html
import json
import statistics
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from reports import differences

MARKS = {
    "passed": ".",
    "failed": "X",
    "unsupported": "-",
    "inconclusive": "?",
    "error": "E",
    "undefined": "u",
    "": " ",
}
FIGURES = (("D14", "MB per s"), ("D17", "connections per s"), ("D17", "CPU ms per connection"))  # facts of cases
COLOURS = {"passed": "#d8f0d8", "failed": "#f6b8b8", "unsupported": "#eee", "error": "#f6b8b8", "": "#fff"}
STYLE = "table{border-collapse:collapse;font:13px monospace}td,th{border:1px solid #ccc;padding:3px 6px}"


@dataclass(frozen=True)
class Run:
    """One run.

    Attributes:
        name: the folder's name.
        verdict: of the whole.
        rows: requirement id → its row in verdict.json.
        seconds: how long it took.
        provider: of its cluster.
    """

    name: str
    verdict: str
    rows: dict[str, dict[str, Any]]
    seconds: float = 0.0
    provider: str = ""

    def of(self, identity: str) -> str:
        """A requirement's verdict, "" where the run does not know it."""
        return str(self.rows.get(identity, {}).get("verdict", ""))

    def cases(self, identity: str) -> dict[str, str]:
        """The verdicts of a requirement's cases, by node id."""
        return {case["case"]: str(case["verdict"]) for case in self.rows.get(identity, {}).get("cases", [])}

    def figure(self, identity: str, fact: str) -> str:
        """A fact of a requirement's first case that has it, the median where it is a list; "" where none has."""
        for case in self.rows.get(identity, {}).get("cases", []):
            if (value := case["facts"].get(fact)) is not None:
                return str(statistics.median(value) if isinstance(value, list) else value)
        return ""


def load(path: Path) -> Run:
    """A run from its verdict.json."""
    document = json.loads(path.read_text())
    rows = {row["id"]: row for row in document["requirements"]}
    provider = str(document["cluster"].get("provider", ""))
    return Run(path.parent.name, document["verdict"], rows, document["seconds"], provider)


def order(runs: list[Run]) -> list[str]:
    """Every requirement's id; those in which runs differ first."""
    known = sorted({identity for run in runs for identity in run.rows})
    return sorted(known, key=lambda identity: (len({run.of(identity) for run in runs}) < 2, identity))  # noqa: PLR2004


def differing(one: Run, other: Run) -> list[str]:
    """The cases that came to something else in the other run, by requirement; what only one of them ran counts."""
    lines = []
    for identity in order([one, other]):
        here, there = one.cases(identity), other.cases(identity)
        for case in sorted(here.keys() | there.keys()):
            came_to = [f"{seen.get(case, 'not run')} in {run.name}" for seen, run in ((here, one), (there, other))]
            if here.get(case) != there.get(case):
                lines.append(f"{identity} {case}: {', '.join(came_to)}")
    return lines


def table(runs: list[Run]) -> Table:
    """The table for the terminal: a column per run, by number."""
    result = Table(box=None, pad_edge=False, header_style="bold")
    result.add_column("id")
    for number, _ in enumerate(runs, 1):
        result.add_column(str(number), justify="right")
    result.add_column("requirement", overflow="ellipsis", no_wrap=True)
    for identity in order(runs):
        sentence = next(run.rows[identity]["sentence"] for run in runs if identity in run.rows)
        result.add_row(identity, *(MARKS[run.of(identity)] for run in runs), sentence)
    return result


def figures(runs: list[Run]) -> Table:
    """What was measured on the way, a row per run."""
    result = Table("run", *(fact for _, fact in FIGURES), box=None, pad_edge=False, header_style="bold")
    for number, run in enumerate(runs, 1):
        result.add_row(f"{number} {run.name}", *(run.figure(*figure) for figure in FIGURES))
    return result


def page(runs: list[Run], silent: list[str]) -> str:
    """The same as an HTML page, with the message of what failed behind its cell."""
    head = "".join(f"<th>{html.escape(run.name)}<br>{run.verdict}</th>" for run in runs)
    lines = []
    for identity in order(runs):
        sentence = next(run.rows[identity]["sentence"] for run in runs if identity in run.rows)
        cells = "".join(_cell(run, identity) for run in runs)
        lines.append(f"<tr><th>{identity}</th>{cells}<td>{html.escape(sentence)}</td></tr>")
    without = "".join(f"<p>{html.escape(line)}</p>" for line in silent)
    rows = "".join(
        f"<tr><th>{html.escape(run.name)}</th>{''.join(f'<td>{run.figure(*figure)}</td>' for figure in FIGURES)}</tr>"
        for run in runs
    )
    measured = f"<table><tr><th></th>{''.join(f'<th>{fact}</th>' for _, fact in FIGURES)}</tr>{rows}</table>"
    why = "".join(f"<p>{html.escape(line)}</p>" for line in differences.lines(runs, order(runs)))
    body = f"<table><tr><th></th>{head}</tr>{''.join(lines)}</table>{why}<p></p>{measured}{without}"
    return f"<!doctype html><meta charset=utf-8><style>{STYLE}</style>{body}"


def _cell(run: Run, identity: str) -> str:
    verdict = run.of(identity)
    said = "\n".join(c["message"] for c in run.rows.get(identity, {}).get("cases", []) if c["message"])
    colour = COLOURS.get(verdict, "#ffe9b0")
    return f'<td style="background:{colour}" title="{html.escape(said[:2000])}">{verdict}</td>'


def main(paths: list[str]) -> int:
    """Show the runs, and write compare.html beside the first one's folder."""
    runs = [load(Path(path)) for path in paths if path != "-"]
    silent = sys.stdin.read().splitlines() if "-" in paths else []
    console = Console(highlight=False)
    if runs:
        console.print(table(runs))
        console.print(figures(runs))
        console.print("\n" + "  ".join(f"{mark} {name}" for name, mark in MARKS.items() if name))
    for number, run in enumerate(runs, 1):
        console.print(f"{number:3} {run.name}: {run.verdict} ({run.seconds:.0f} s)")
    for line in silent:
        console.print(f"  - {line}")
    for line in differences.lines(runs, order(runs)):
        console.print(f"differs: {line}", soft_wrap=True)
    if runs:
        out = Path(next(path for path in paths if path != "-")).parent.parent / "compare.html"
        out.write_text(page(runs, silent))
        console.print(f"page: {out}", soft_wrap=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
