"""The summary of a run that is printed on the terminal."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from reports import baseline, failing, generated_fact, known, lateness, outcome, performance_fact, untried
from reports.columns import INDENT, hanging
from reports.outcome import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from reports.claims import Answer
    from reports.fault_fact import FaultFact
    from reports.record import Record

SPEED = "perf"  # the session whose summary has all figures of paths
COLOURS = {
    Verdict.PASSED: "green",
    Verdict.UNDEFINED: "cyan",
    Verdict.UNSUPPORTED: "yellow",
    Verdict.INCONCLUSIVE: "magenta",
    Verdict.FAILED: "bold red",
    Verdict.ERROR: "bold red",
}


@dataclass(frozen=True)
class EndedRun:
    """What the summary shows of a run.

    Attributes:
        document: the content of verdict.json.
        answers: answers to claims about the plugin.
        records: the records of all cases; verdict.json has only those of cases that cite a requirement.
        out: the run's folder.
        page: path of Allure's page, or the reason why it is missing; "" if none was to be made.
        again: the command that repeats the run, or what failed in it.
        report: path of report.html, or the reason why it is missing.
    """

    document: dict[str, Any]
    answers: Sequence[Answer]
    records: Sequence[Record]
    out: Path
    page: str
    again: str
    report: str


def table(document: dict[str, Any]) -> Table:
    """Build the table of requirements, sorted by verdict, the worst first."""
    result = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("verdict", "id", "level", "requirement"):
        result.add_column(name)
    for row in outcome.worst_first(document["requirements"]):
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


def closing(run: EndedRun) -> list[str]:
    """Return the last lines of the summary: verdict, counts, claims, seeds, the next command, the report."""
    document = run.document
    total = len(document["requirements"])
    parts = [f"{sum(levels.values())} {name}" for name, levels in document["counts"].items() if sum(levels.values())]
    ready = document["cluster"].get("ready_seconds")
    times = f"{document['seconds']:.0f} s" + (f", cluster ready in {ready:.1f} s" if ready else "")
    claims = Counter(answer.status for answer in run.answers)
    counted = f"{claims['holds']} answered, {claims['fails']} do not hold, {claims['open']} not checked by this run"
    answered = claims["holds"] + claims["fails"]  # often 0 with --only, and then not worth a line
    return [
        known.closing(document),
        f"{total} requirements: {', '.join(parts)} ({times}).",
        *([late] if (late := lateness.sentence(document)) else []),
        *([generated] if (generated := generated_fact.line(document)) else []),
        *([speed] if (speed := performance_fact.line(document)) else []),
        *([f"claims of tutorials: {counted}: {run.out / 'claims.html'}"] if answered else []),
        f"seed: --seed {document['seed']}" + (f" --shuffle {document['shuffle']}" if "shuffle" in document else ""),
        f"again: {run.again}",
        *([f"every case: {run.page}"] if run.page else []),
        f"report: {run.report}",
    ]


def show(run: EndedRun, columns: int, *, every_requirement: bool) -> str:
    """Return the summary as text: what did not hold, what was not tried and why, and the closing lines.

    It is coloured if the terminal supports it.

    Args:
        run: the run that has ended.
        columns: the width of the terminal.
        every_requirement: whether to begin with a table of all requirements, those that passed included.
    """
    console = Console(width=columns, highlight=False, soft_wrap=True)
    with console.capture() as captured:
        for part in _parts(run, columns, every_requirement=every_requirement):
            console.print(part, soft_wrap=isinstance(part, Text), crop=False)
            console.print()
        lines = closing(run)
        console.print(Text(lines[0], COLOURS[Verdict(run.document["verdict"])]))
        for line in lines[1:]:
            console.print(Text(line))
    return captured.get()


def _parts(run: EndedRun, columns: int, *, every_requirement: bool) -> Iterator[Table | Text]:
    """Yield what the summary has above its closing lines."""
    if every_requirement:
        yield table(run.document)
    if run.document.get("session") == SPEED:
        yield Text("\n\n".join(performance_fact.text(one.fact) for one in performance_fact.of_run(run.document)))
    if (injected := faults(run.document)) is not None:
        yield injected
    rows = [*failing.rows(run.document), *failing.without_requirement(run.records)]
    if rows:
        paragraphs = failing.paragraphs(rows, columns)
        yield Text("\n").join(_coloured(verdict, lines) for verdict, lines in paragraphs)
    if as_known := failing.as_known(run.document):
        paragraphs = failing.paragraphs(as_known, columns)
        head = Text("known divergences, which do not count:", COLOURS[Verdict.UNDEFINED])
        yield Text("\n").join([head, *(Text("\n".join(lines)) for _, lines in paragraphs)])
    if findings := known.others(run.document):
        sentences = [f"{row['sentence']} ({row['file']})" for row in findings]
        lines = [line for sentence in sentences for line in hanging("", sentence, columns, deeper=INDENT)]
        yield Text("\n").join(
            [Text("known divergences to look at:", COLOURS[Verdict.INCONCLUSIVE]), *map(Text, lines)]
        )
    if areas := list(untried.lines(run.document, columns)):
        yield Text("\n").join([Text("unsupported, so not tried:", COLOURS[Verdict.UNSUPPORTED]), *map(Text, areas)])
    if comparison := baseline.of(run.document):
        yield Text("\n".join(line for _, line in baseline.lines(comparison, columns)))


def _coloured(verdict: Verdict, lines: list[str]) -> Text:
    """Return lines that begin with a verdict, which has its colour."""
    result = Text("\n".join(lines))
    result.stylize(COLOURS[verdict], 0, len(verdict))
    return result
