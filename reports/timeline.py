"""A fault's timeline as a picture: a row per flow, gaps in red, and marks for what happened."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH, LEFT, ROW, TOP = 900, 330, 18, 64
BEFORE = 1.0  # seconds shown before the fault
FONT = "font:12px monospace"


def draw(title: str, flows: Sequence[dict[str, Any]], marks: Sequence[tuple[float, str]], begun: float) -> str:
    """A page with the timeline.

    Args:
        title: the fault in a sentence.
        flows: rows of continuous flows: {from, to, kind, sent, answered, longest, gaps: [[wall clock, s], …]}.
        marks: (seconds since the fault, what happened).
        begun: the fault on the wall clock, in seconds.
    """
    ends: list[float] = [at - begun + seconds for row in flows for at, seconds in row["gaps"]] + [
        at for at, _ in marks
    ]
    span = max([2.0, *ends]) + BEFORE

    def x(seconds: float) -> float:
        return LEFT + max(0.0, min(1.0, (seconds + BEFORE) / (span + BEFORE))) * (WIDTH - LEFT - 10)

    parts = [f'<text x="4" y="16" style="font:bold 14px sans-serif">{html.escape(title)}</text>']
    for number, row in enumerate(flows):
        y = TOP + number * ROW
        name = f"{row['kind']} {row['from'].split('/')[-1]} → {row['to'].split('/')[-1]}  {row['longest']:.2f} s"
        parts.append(f'<text x="4" y="{y + 12}" style="{FONT}">{html.escape(name)}</text>')
        parts.append(_bar(x(-BEFORE), x(span), y, "#bfe3bf", "answers"))
        for at, seconds in row["gaps"]:
            said = f"{seconds:.2f} s without an answer"
            parts.append(_bar(x(at - begun), x(at - begun + seconds), y, "#d9534f", said))
    bottom = TOP + len(flows) * ROW
    for number, (at, what) in enumerate([(0.0, "fault"), *marks]):
        y = 30 + 12 * (number % 3)
        parts.append(f'<line x1="{x(at)}" x2="{x(at)}" y1="{y}" y2="{bottom}" stroke="#333" stroke-dasharray="3 2"/>')
        late = x(at) > (LEFT + WIDTH) / 2  # then the words stand before their line, or they would be cut off
        place = f'x="{x(at) - 3:.1f}" text-anchor="end"' if late else f'x="{x(at) + 3:.1f}"'
        parts.append(f'<text {place} y="{y + 4}" style="{FONT}">{at:.1f} s {html.escape(what)}</text>')
    picture = f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{bottom + 8}">{"".join(parts)}</svg>'
    return f"<!doctype html><meta charset=utf-8>{picture}"


def _bar(left: float, right: float, y: float, colour: str, said: str) -> str:
    width = max(1.5, right - left)
    shape = f'x="{left:.1f}" y="{y + 2}" width="{width:.1f}" height="{ROW - 5}" fill="{colour}"'
    return f"<rect {shape}><title>{html.escape(said)}</title></rect>"
