"""What is noise between two runs, and what is a difference."""

from __future__ import annotations

import pytest

from reports.comparison import noise


@pytest.mark.parametrize(
    ("first", "second", "resolution", "differ"),
    [
        (0.06, 0.55, noise.OUTAGE, False),  # a late timer
        (0.06, 0.7, noise.OUTAGE, True),
        (10.0, 12.0, noise.REPAIR, False),  # 17 %
        (10.0, 14.0, noise.REPAIR, True),
        (0.5, 1.9, noise.REPAIR, False),
    ],
)
def test_times_within_the_resolution_are_equal(first: float, second: float, resolution: float, differ: bool) -> None:  # noqa: FBT001 - a row
    """Both limits count: the resolution of the measurement, and a quarter of the larger value."""
    assert noise.times_differ(first, second, resolution) == differ
    assert noise.times_differ(second, first, resolution) == differ


@pytest.mark.parametrize(
    ("first", "second", "differ"),
    [
        ([292], [368], False),
        ([7000], [11300], True),
        ([200, 290, 300, 310, 400], [250, 410, 420, 430, 440], True),
        ([200, 290, 300, 420, 500], [250, 410, 420, 430, 440], False),  # the middle halves overlap
        ([280, 290, 300, 310, 320], [330, 340, 345, 350, 360], False),  # 13 %
        ([0], [0], False),
    ],
)
def test_figures_that_overlap_are_equal(first: list[float], second: list[float], differ: bool) -> None:  # noqa: FBT001 - a row
    """Several values are compared by their middle halves, single ones by their ratio."""
    assert noise.figures_differ(first, second) == differ
    assert noise.figures_differ(second, first) == differ
