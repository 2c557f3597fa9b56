"""How long changes of policies take to count, and what happens to connections that they deny."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reports.report.plots import BAR, LABELS, ROW, WIDTH, Bar, Plot, Text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

WINDOWS = "windows of changes"  # the fact of cases that watch changes: a row for each kind of change and direction
CONNECTIONS = "connections that a change denies"  # number of connections by protocol, kind of change and fate
MEANING = {"opens": "allowed flows fail", "closes": "denied flows get through"}
HEADINGS = ("Change", "Until then", "Flows", "p50", "p95", "p99", "Longest", "Resolution")
NAMES = 225  # pixels for the names of changes, which are longer than those of other plots
LEAST_SPAN = 50.0  # milliseconds of the plot


@dataclass(frozen=True)
class Motion:
    """What was measured while policies changed.

    Attributes:
        windows: rows of the table, with a cell for each of the headings.
        plot: the windows as bars.
        connections: (what, number) of established connections that a change denies.
        headings: of the table.
    """

    windows: tuple[tuple[str, ...], ...]
    plot: Plot | None
    connections: tuple[tuple[str, int], ...]
    headings: tuple[str, ...] = HEADINGS


def of(document: Mapping[str, Any]) -> Motion | None:
    """Return the measurements of a verdict.json; None without any. The first requirement with windows counts."""
    cases = [case for row in document["requirements"] for case in row["cases"]]
    windows = next((some for row in document["requirements"] if (some := _windows(row["cases"]))), [])
    connections: Mapping[str, int] = next((c["facts"][CONNECTIONS] for c in cases if c["facts"].get(CONNECTIONS)), {})
    if not windows and not connections:
        return None
    return Motion(tuple(_row(each) for each in windows), _plot(windows), tuple(sorted(connections.items())))


def _windows(cases: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the windows of the cases of a requirement; with the parameters of each case if several have some."""
    some = [case for case in cases if case["facts"].get(WINDOWS)]
    windows = []
    for case in some:
        parameters = f" [{case['case'].partition('[')[2]}" if len(some) > 1 else ""
        windows += [{**window, "kind": window["kind"] + parameters} for window in case["facts"][WINDOWS]]
    return windows


def _row(window: Mapping[str, Any]) -> tuple[str, ...]:
    times = (_milliseconds(window[name]) for name in ("p50", "p95", "p99", "longest"))
    number = (
        f"{window['windows']}, {window['not over']} of them still open at the end"
        if window["not over"]
        else window["windows"]
    )
    return (window["kind"], MEANING[window["direction"]], number, *times, f"± {window['resolution']} ms")


def _milliseconds(value: int | None) -> str:
    return "too few" if value is None else f"{value} ms"


def _plot(windows: Sequence[Mapping[str, Any]]) -> Plot | None:
    """Return the windows as bars up to the longest, the median on top and a line for each; None without windows."""
    if not windows:
        return None
    scale = (WIDTH - NAMES - LABELS) / max([LEAST_SPAN, *(window["longest"] for window in windows)])
    bars, texts, sentences = [], [], []
    for number, window in enumerate(windows):
        y = 4 + number * ROW
        known = [(name, window[name]) for name in ("p50", "p95", "longest") if window[name] is not None]
        figures = ", ".join(f"{name} {value} ms" for name, value in known)
        label = f"{window['kind']}, {window['direction']}"
        bars.append(Bar(NAMES, y + 2, max(2, round(window["longest"] * scale)), BAR, "state", figures))
        bars.append(Bar(NAMES, y + 2, max(2, round(window["p50"] * scale)), BAR, "traffic", figures))
        bars += [
            Bar(NAMES + round(each * scale), y, 1, BAR + 4, "each", f"{each} ms") for each in window.get("each", ())
        ]
        texts.append(Text(0, y + 13, label))
        texts.append(Text(NAMES + max(2, round(window["longest"] * scale)) + 6, y + 13, figures))
        sentences.append(f"{label}: {figures}.")
    title = "Time until a change of policies counts"
    return Plot(title, " ".join(sentences), 8 + len(windows) * ROW, tuple(bars), tuple(texts))
