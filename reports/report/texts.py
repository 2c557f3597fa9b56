"""Short texts of the page: durations, marks of verdicts, clipped messages, ids of elements."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

MARKS = {
    "passed": "✓",
    "failed": "✗",
    "error": "!",
    "inconclusive": "?",
    "unsupported": "–",
    "undefined": "○",
}
PRECISE = 10.0  # seconds; longer durations have one decimal
LONG = 100.0  # seconds; longer durations have none


def seconds(value: float | None) -> str:
    """Return a duration with its unit; a dash if there is none."""
    if value is None:
        return "–"
    digits = 2 if value < PRECISE else 1 if value < LONG else 0
    return f"{value:.{digits}f} s"


def verdict_mark(verdict: str) -> str:
    """Return the mark of a verdict, so that its colour is not all that tells it."""
    return MARKS.get(verdict, "")


def clipped(text: str, characters: int) -> str:
    """Return the beginning of a text of at most so many characters, and how many more it has."""
    if len(text) <= characters:
        return text
    return f"{text[:characters].rstrip()}\n… and {len(text) - characters} more characters, in verdict.json"


def web_page(link: str) -> str:
    """Return a link to a web page; "" for any other text, such as the name of a document."""
    return link if link.startswith("https://") else ""


def plural(count: int, noun: str) -> str:
    """Return a count with its noun."""
    return f"{count} {noun}" + ("" if count == 1 else "s")


def new_ids() -> Callable[[str], str]:
    """Return a function that makes the ids of a page's pictures: each call gives another one with this beginning."""
    numbers = itertools.count(1)
    return lambda beginning: f"{beginning}-{next(numbers)}"


def shortened(text: str, characters: int) -> str:
    """Return a text of at most so many characters; the middle of a longer one is replaced by an ellipsis."""
    if len(text) <= characters:
        return text
    kept = characters - 1
    return f"{text[: kept - kept // 2]}…{text[len(text) - kept // 2 :]}"


def text_width(text: str) -> int:
    """Return about how many pixels a text of 12 pixels has in a typeface without serifs, rather too many."""
    return 7 * len(text)


def begun(text: str, characters: int) -> str:
    """Return the beginning of a text of at most so many characters, with an ellipsis if it has more."""
    return text if len(text) <= characters else f"{text[: characters - 1].rstrip()}…"
