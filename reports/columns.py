"""The width of the terminal, and lines that wrap below their own column."""

from __future__ import annotations

import shutil
import textwrap

WITHOUT_TERMINAL = 120  # columns, if the output is no terminal and COLUMNS is not set
NARROWEST = 30  # columns that text beside others needs at least; in fewer, its further lines are indented by INDENT
INDENT = 4  # columns


def width() -> int:
    """Return the columns of a line: COLUMNS, else the terminal's, else WITHOUT_TERMINAL."""
    return shutil.get_terminal_size((WITHOUT_TERMINAL, 24)).columns


def hanging(start: str, text: str, columns: int, deeper: int = 0) -> list[str]:
    """Return `start` and `text` as lines of at most that many columns, unless one word is longer.

    Args:
        start: what precedes the text on the first line, with the space between them.
        text: the text to wrap.
        columns: the longest line.
        deeper: how many columns to the right of its first line the further lines of the text begin.
    """
    indent = len(start) if columns - len(start) >= NARROWEST else INDENT
    wrapper = textwrap.TextWrapper(
        columns,
        initial_indent=start,
        subsequent_indent=" " * (indent + deeper),
        break_long_words=False,
        break_on_hyphens=False,
    )
    return wrapper.wrap(text) or [start.rstrip()]
