"""The table of breaks, without a lab."""

from __future__ import annotations

from tests.catalogue import cited
from tests.lab import breaks

ROWS = breaks.load()


def test_the_table_of_breaks_is_sound() -> None:
    """Names are there once, every break turns something red and leaves a neighbour green, and all of them exist."""
    assert len({row.name for row in ROWS}) == len(ROWS)
    for row in ROWS:
        assert row.red, row.name
        assert row.green, row.name
        assert not set(row.red) & set(row.green), row.name
        assert {*row.red, *row.green} <= cited.known().keys(), row.name
