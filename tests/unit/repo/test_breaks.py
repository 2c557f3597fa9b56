"""Consistency of the table of breaks; it needs no lab."""

from __future__ import annotations

from tests.catalogue import cited
from tests.lab import breaks

ROWS = breaks.load()


def test_the_table_of_breaks_is_consistent() -> None:
    """Names are unique; every break has requirements that fail and others that pass, and all of them exist."""
    assert len({row.name for row in ROWS}) == len(ROWS)
    for row in ROWS:
        assert row.red, row.name
        assert row.green, row.name
        assert not set(row.red) & set(row.green), row.name
        assert {*row.red, *row.green} <= cited.known().keys(), row.name
