"""Draw the timeline of a fault as SVG: a row per continuous flow, its outages in red, and a line for each event."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

WIDTH, LEFT, ROW_HEIGHT, TOP = 900, 330, 18, 64  # pixels
BEFORE = 1.0  # seconds shown before the fault
FONT = "font:12px monospace"


@dataclass(frozen=True)
class Outage:
    """A time in which a flow had no answers.

    Attributes:
        begin: seconds from the fault to the beginning of the outage.
        seconds: its duration.
    """

    begin: float
    seconds: float

    @property
    def end(self) -> float:
        """Seconds from the fault to the end of the outage."""
        return self.begin + self.seconds


@dataclass(frozen=True)
class Row:
    """A continuous flow, as the timeline shows it.

    Attributes:
        kind: udp, tcp or connect.
        client: `namespace/name` of the pod that sends.
        server: `namespace/name` of the pod that answers.
        longest: the longest time without an answer, in seconds.
        outages: the times without an answer.
    """

    kind: str
    client: str
    server: str
    longest: float
    outages: tuple[Outage, ...] = ()

    @property
    def label(self) -> str:
        """The text in front of the row; namespaces are omitted."""
        client, server = (key.split("/")[-1] for key in (self.client, self.server))
        return f"{self.kind} {client} → {server}  {self.longest:.2f} s"


def draw(title: str, rows: Sequence[Row], marks: Sequence[tuple[float, str]]) -> str:
    """Render the timeline as an HTML page.

    Args:
        title: one sentence that describes the fault.
        rows: the flows, from top to bottom.
        marks: (seconds since the fault, event).
    """
    ends = [outage.end for row in rows for outage in row.outages] + [seconds for seconds, _ in marks]
    span = max([2.0, *ends]) + BEFORE

    def x(seconds: float) -> float:
        return LEFT + max(0.0, min(1.0, (seconds + BEFORE) / (span + BEFORE))) * (WIDTH - LEFT - 10)

    parts = [f'<text x="4" y="16" style="font:bold 14px sans-serif">{html.escape(title)}</text>']
    for number, row in enumerate(rows):
        y = TOP + number * ROW_HEIGHT
        parts.append(f'<text x="4" y="{y + 12}" style="{FONT}">{html.escape(row.label)}</text>')
        parts.append(_bar(x(-BEFORE), x(span), y, "#bfe3bf", "answers"))
        for outage in row.outages:
            tooltip = f"{outage.seconds:.2f} s without an answer"
            parts.append(_bar(x(outage.begin), x(outage.end), y, "#d9534f", tooltip))
    bottom = TOP + len(rows) * ROW_HEIGHT
    for number, (seconds, event) in enumerate([(0.0, "fault"), *marks]):
        parts += _mark(x, seconds, event, 30 + 12 * (number % 3), bottom)
    picture = f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{bottom + 8}">{"".join(parts)}</svg>'
    return f"<!doctype html><meta charset=utf-8>{picture}"


def _mark(x: Callable[[float], float], seconds: float, event: str, y: int, bottom: int) -> list[str]:
    at = x(seconds)
    line = f'<line x1="{at}" x2="{at}" y1="{y}" y2="{bottom}" stroke="#333" stroke-dasharray="3 2"/>'
    in_right_half = at > (LEFT + WIDTH) / 2  # the text is left of its line there, so that it is not cut off
    place = f'x="{at - 3:.1f}" text-anchor="end"' if in_right_half else f'x="{at + 3:.1f}"'
    return [line, f'<text {place} y="{y + 4}" style="{FONT}">{seconds:.1f} s {html.escape(event)}</text>']


def _bar(left: float, right: float, y: float, colour: str, tooltip: str) -> str:
    width = max(1.5, right - left)
    shape = f'x="{left:.1f}" y="{y + 2}" width="{width:.1f}" height="{ROW_HEIGHT - 5}" fill="{colour}"'
    return f"<rect {shape}><title>{html.escape(tooltip)}</title></rect>"
