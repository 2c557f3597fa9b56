"""The summary of a run that is printed on the terminal."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from reports import lateness, outcome
from reports.outcome import Verdict

if TYPE_CHECKING:
    from pathlib import Path

    from reports.claims import Answer
    from reports.fault_fact import FaultFact

COLOURS = {
    Verdict.PASSED: "green",
    Verdict.UNDEFINED: "cyan",
    Verdict.UNSUPPORTED: "yellow",
    Verdict.INCONCLUSIVE: "magenta",
    Verdict.FAILED: "bold red",
    Verdict.ERROR: "bold red",
}
CLOSING = {
    Verdict.PASSED: "certified: every MUST requirement that could be checked holds",
    Verdict.UNDEFINED: "nothing was decided",
    Verdict.UNSUPPORTED: "nothing was decided",
    Verdict.INCONCLUSIVE: "inconclusive: no MUST requirement could be tested, or a control of one failed",
    Verdict.FAILED: "not certified: a MUST requirement does not hold",
    Verdict.ERROR: "error: netproof or the machine failed, not the plugin",
}


def table(document: dict[str, Any]) -> Table:
    """Build the table of requirements, sorted by verdict, the worst first."""
    result = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("verdict", "id", "level", "requirement"):
        result.add_column(name)
    rows = sorted(document["requirements"], key=lambda row: (-outcome.ORDER.index(Verdict(row["verdict"])), row["id"]))
    for row in rows:
        colour = COLOURS[Verdict(row["verdict"])]
        result.add_row(Text(row["verdict"], colour), row["id"], row["level"], row["sentence"])
    return result


def faults(document: dict[str, Any]) -> Table | None:
    """Build the table of faults, with outage and recovery; None if no fault was injected."""
    cases = [case for row in document["requirements"] for case in row["cases"]]
    facts: list[FaultFact] = [case["facts"]["fault"] for case in cases if "fault" in case["facts"]]
    if not facts:
        return None
    result = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("fault", "longest outage", "lost datagrams", "traffic recovers", "state recovers"):
        result.add_column(name)
    for fault in facts:
        outage, lost = f"{fault['longest_gap']:.2f} s", str(fault["lost_datagrams"])
        crash = " (the agent crashed)" if fault["crashes"] else ""
        result.add_row(f"{fault['id']} {fault['sentence']}", outage, lost, fault["traffic"] + crash, fault["state"])
    return result


def closing(document: dict[str, Any], answers: list[Answer], out: Path, page: str) -> list[str]:
    """Return the last lines of the summary: verdict, counts, seeds, and paths of the reports.

    Args:
        document: the content of verdict.json.
        answers: answers to claims about the plugin.
        out: the run's folder.
        page: path of the HTML report, or the reason why it is missing.
    """
    verdict = Verdict(document["verdict"])
    total = len(document["requirements"])
    parts = [f"{sum(levels.values())} {name}" for name, levels in document["counts"].items() if sum(levels.values())]
    ready = document["cluster"].get("ready_seconds")
    times = f"{document['seconds']:.0f} s" + (f", cluster ready in {ready:.1f} s" if ready else "")
    claims = Counter(answer.status for answer in answers)
    counted = f"{claims['holds']} answered, {claims['fails']} do not hold, {claims['open']} not checked by this run"
    answered = claims["holds"] + claims["fails"]  # often 0 with --only, and then not worth a line
    return [
        document.get("reason") or f"{document['cni']} is {CLOSING[verdict]}.",
        f"{total} requirements: {', '.join(parts)} ({times}).",
        *([late] if (late := lateness.sentence(document)) else []),
        *([f"claims of tutorials: {counted}: {out / 'claims.html'}"] if answered else []),
        f"seed: --seed {document['seed']}" + (f" --shuffle {document['shuffle']}" if "shuffle" in document else ""),
        f"report: {page}",
        f"folder: {out}",
    ]


def show(document: dict[str, Any], answers: list[Answer], out: Path, page: str, width: int) -> str:
    """Return the whole summary as text, `width` columns wide, coloured if the terminal supports it."""
    console = Console(width=width, highlight=False, soft_wrap=False)
    with console.capture() as captured:
        console.print(table(document))
        console.print()
        if (shown := faults(document)) is not None:
            console.print(shown)
            console.print()
        lines = closing(document, answers, out, page)
        console.print(Text(lines[0], COLOURS[Verdict(document["verdict"])]))
        for line in lines[1:]:
            console.print(line, soft_wrap=True)
    return captured.get()
