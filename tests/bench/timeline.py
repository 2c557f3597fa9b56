"""Draw the start of a lab as a timeline: the runner's steps, the control plane, and each node's pods.

The times are those of the logs of the supervisor and of the kubelets, which have milliseconds, and of the progress.
"""

from __future__ import annotations

import datetime
import html
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from fixtures.progress import Progress

LINE = re.compile(r"(\d\d):(\d\d):(\d\d\.\d{3}) INFO (.*)")
DAY = 24 * 3600.0
SEEN, READY = re.compile(r"pod (\S+)"), re.compile(r"pod (\S+) is ready")
WIDTH, LEFT, ROW, TOP = 960, 330, 18, 40  # pixels
COLOURS = {"runner": "#4c78a8", "control plane": "#f58518"}
NODE = "#54a24b"
FONT = "font:12px sans-serif"


@dataclass(frozen=True)
class Bar:
    """Something that lasted; begin and end in seconds since the lab began to start."""

    part: str
    what: str
    begin: float
    end: float


def logged(log: Path) -> Iterator[tuple[float, str]]:
    """The messages of a log, each with its time in seconds since midnight."""
    for line in log.read_text().splitlines():
        if match := LINE.fullmatch(line):
            hours, minutes, seconds, message = match.groups()
            yield int(hours) * 3600 + int(minutes) * 60 + float(seconds), message


def of_runner(progress: Progress, begun: float) -> list[Bar]:
    """The steps of the runner since a time, in seconds since the epoch."""
    return [
        Bar("runner", title, end - progress.seconds[title] - begun, end - begun)
        for title, end in progress.ended.items()
        if end - progress.seconds[title] >= begun
    ]


def of_logs(cluster: Path, begun: float) -> list[Bar]:
    """What the logs of a lab's folder `cluster` tell, since a time in seconds since the epoch."""
    local = datetime.datetime.fromtimestamp(begun)  # noqa: DTZ006 - logs have local time
    midnight = local.hour * 3600 + local.minute * 60 + local.second + local.microsecond / 1e6
    bars = list(_of_control_plane(cluster / "supervisor.log"))
    for log in sorted(cluster.glob("*/kubelet.log")):
        bars += _of_node(log)
    return [Bar(b.part, b.what, (b.begin - midnight) % DAY, (b.end - midnight) % DAY) for b in bars]


def _of_control_plane(log: Path) -> Iterator[Bar]:
    """The time before each message: what the supervisor waited for."""
    before: float | None = None
    for at, message in logged(log):
        yield Bar("control plane", message, at if before is None else before, at)
        before = at


def _of_node(log: Path) -> Iterator[Bar]:
    seen: dict[str, float] = {}
    for at, message in logged(log):
        if (match := READY.fullmatch(message)) and match[1] in seen:
            yield Bar(log.parent.name, match[1], seen.pop(match[1]), at)
        elif match := SEEN.fullmatch(message):
            seen[match[1]] = at
        elif message.startswith("node is "):
            yield Bar(log.parent.name, message, at, at)


def draw(title: str, bars: Sequence[Bar]) -> str:
    """The timeline as SVG: a row for each bar, under a ruler in seconds."""
    span = max(bar.end for bar in bars)
    height = TOP + ROW * len(bars) + 8

    def x(seconds: float) -> float:
        return LEFT + seconds / span * (WIDTH - LEFT - 60)

    parts = [f"<title>{html.escape(title)}</title>"]
    parts.append(f'<text x="4" y="16" style="font:bold 14px sans-serif">{html.escape(title)}</text>')
    for second in range(int(span) + 1):
        parts.append(f'<line x1="{x(second):.1f}" x2="{x(second):.1f}" y1="{TOP - 6}" y2="{height}" stroke="#ccc"/>')
        parts.append(f'<text x="{x(second) + 2:.1f}" y="{TOP - 8}" style="{FONT}">{second} s</text>')
    for number, bar in enumerate(bars):
        y = TOP + number * ROW
        colour = COLOURS.get(bar.part, NODE)
        width = max(2.0, x(bar.end) - x(bar.begin))
        parts.append(f'<text x="4" y="{y + 12}" style="{FONT}">{html.escape(f"{bar.part}: {bar.what}"[:52])}</text>')
        parts.append(
            f'<rect x="{x(bar.begin):.1f}" y="{y + 2}" width="{width:.1f}" height="{ROW - 5}" fill="{colour}"/>'
        )
        parts.append(f'<text x="{x(bar.end) + 4:.1f}" y="{y + 12}" style="{FONT}">{bar.end:.2f}</text>')
    attributes = f'xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" role="img"'
    return f'<svg {attributes}><rect width="100%" height="100%" fill="white"/>{"".join(parts)}</svg>\n'
