"""Plots of times as coordinates: repairs of faults, timelines of their flows, and a histogram of policy changes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reports.report.texts import begun, plural, seconds, shortened

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

WIDTH, LEFT, RIGHT = 760, 190, 10  # pixels: of a plot, of its labels, of its margin
BAR, ROW = 12, 18  # pixels: the height of a bar, and of its row
LABELS = 290  # pixels for the texts after bars
BINS = 12
PLOT = 120  # pixels: the height of the histogram
BEFORE = 1.0  # seconds before a fault that its timeline shows
MOST_FLOWS = 16
LEAST_SPAN = 2.0  # seconds of a timeline
NOTHING = 0.0


@dataclass(frozen=True)
class Text:
    """A text at a place, in pixels."""

    x: int
    y: int
    text: str
    at_end: bool = False  # whether it ends there


@dataclass(frozen=True)
class Bar:
    """A bar: its place and size in pixels, what it shows (a class of the style), and its text for readers."""

    x: int
    y: int
    width: int
    height: int
    kind: str
    tip: str = ""


@dataclass(frozen=True)
class Plot:
    """A plot.

    Attributes:
        title: what it shows.
        description: the same as text.
        height: in pixels.
        bars: its bars.
        texts: its texts.
        marks: horizontal places of vertical lines.
        width: in pixels.
    """

    title: str
    description: str
    height: int
    bars: tuple[Bar, ...]
    texts: tuple[Text, ...]
    marks: tuple[int, ...] = ()
    width: int = WIDTH


def repairs(facts: Sequence[Mapping[str, Any]]) -> Plot | None:
    """Return how long traffic and state took to be right again after each fault; None if there was no fault."""
    if not facts:
        return None
    longest = max([LEAST_SPAN, *(fact[f"{what}_seconds"] for fact in facts for what in ("traffic", "state"))])
    scale = (WIDTH - LEFT - LABELS) / longest
    bars, texts, sentences = [], [], []
    for number, fact in enumerate(facts):
        y = 4 + number * (2 * ROW + 8)
        texts.append(Text(0, y + ROW + 4, begun(f"{fact['id']} {fact['sentence']}", 28)))
        for line, what in enumerate(("traffic", "state")):
            value, top = fact[f"{what}_seconds"], y + line * ROW
            width = max(2, round(value * scale)) if value else 0
            bars.append(Bar(LEFT, top + 2, width, BAR, what))
            texts.append(Text(LEFT + width + 6, top + 13, shortened(_repair(what, value, fact[what]), 60)))
            sentences.append(f"{fact['id']}, {_repair(what, value, fact[what])}.")
    height = 4 + len(facts) * (2 * ROW + 8)
    return Plot("Time until traffic and state are right again", " ".join(sentences), height, (*bars,), (*texts,))


def _repair(what: str, value: float, remedy: str) -> str:
    time = f"{seconds(value)}, " if value and "within" not in remedy else ""
    return f"{what}: {time}{remedy}"


def timeline(fact: Mapping[str, Any]) -> Plot | None:
    """Return the outages of a fault's flows over time, and its events; None if the flows are not known."""
    flows = sorted(fact.get("flows", ()), key=lambda flow: -flow["longest"])[:MOST_FLOWS]
    if not flows:
        return None
    marks = [(NOTHING, "fault"), *((float(at), str(event)) for at, event in fact["marks"])]
    ends = [begin + length for flow in flows for begin, length in flow["outages"]] + [at for at, _ in marks]
    span: float = max([LEAST_SPAN, *ends]) + BEFORE

    def x(at: float) -> int:
        return LEFT + round(max(0.0, min(1.0, (at + BEFORE) / (span + BEFORE))) * (WIDTH - LEFT - RIGHT))

    top = 8 + 14 * len(marks)
    bars, texts = [], []
    for number, flow in enumerate(flows):
        y = top + number * ROW
        texts.append(Text(0, y + 13, shortened(_flow(flow), 27)))
        bars.append(Bar(LEFT, y + 3, WIDTH - LEFT - RIGHT, BAR, "answers"))
        for begin, length in flow["outages"]:
            bars.append(Bar(x(begin), y + 3, max(2, x(begin + length) - x(begin)), BAR, "outage", seconds(length)))
    for number, (at, event) in enumerate(marks):
        right_half = x(at) > (LEFT + WIDTH) // 2
        texts.append(Text(x(at) + (-4 if right_half else 4), 12 + 14 * number, f"{seconds(at)} {event}", right_half))
    described = "; ".join(f"{_flow(flow)}: {seconds(flow['longest'])}" for flow in flows)
    return Plot(
        f"Outages of flows after: {fact['sentence']}",
        f"Longest times without an answer: {described}. Events: {'; '.join(f'{seconds(at)} {e}' for at, e in marks)}.",
        top + ROW * len(flows) + 6,
        tuple(bars),
        tuple(texts),
        tuple(x(at) for at, _ in marks),
    )


def _flow(flow: Mapping[str, Any]) -> str:
    return f"{flow['kind']} {flow['client'].split('/')[-1]} → {flow['server'].split('/')[-1]}"


def histogram(values: Sequence[float]) -> Plot | None:
    """Return how many states of policy cases became right within which time; None if there are none."""
    if not values:
        return None
    step = _step(max(values))
    counts = [0] * (int(max(values) / step) + 1)
    for value in values:
        counts[int(value / step)] += 1
    slot = (WIDTH - 40) // max(BINS, len(counts))
    bars, texts = [], []
    for number, count in enumerate(counts):
        height = math.ceil(PLOT * count / max(counts))
        left = 20 + number * slot
        bars.append(Bar(left, 20 + PLOT - height, slot - 4, height, "traffic"))
        if count:
            texts.append(Text(left + 2, 15 + PLOT - height, str(count)))
        texts.append(Text(left, 38 + PLOT, f"{number * step:g} s"))
    described = ", ".join(f"{count} from {number * step:g} s on" for number, count in enumerate(counts) if count)
    title = f"{plural(len(values), 'state')} of policies, by the time until every flow was right"
    return Plot(title, f"{described}.", PLOT + 46, tuple(bars), tuple(texts))


def _step(longest: float) -> float:
    """Return the width of a bin, a round number of seconds, so that there are at most BINS bins."""
    steps = (step * 10.0**power for power in range(-2, 5) for step in (1, 2, 5))
    return next(step for step in steps if longest / step < BINS)
