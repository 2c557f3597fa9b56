"""Observations that several cases judge."""

from __future__ import annotations

import pytest

from reports.outcome import Inconclusive, Refuted
from suites.motion.once import Once


def test_cases_judge_one_observation() -> None:
    """It is made for the first case that needs it, for each key."""
    once, made = Once(), iter("ab")
    assert [once.of(key, lambda: next(made)) for key in (1, 2, 1)] == ["a", "b", "a"]


@pytest.mark.parametrize("failure", [Refuted("x"), Inconclusive("x")])
def test_a_failure_of_the_plugin_is_that_of_every_case(failure: Exception) -> None:
    """Observing it again could give another result."""
    once, tries = Once(), list[int]()

    def observe() -> None:
        tries.append(1)
        raise failure

    for _ in range(2):
        with pytest.raises(type(failure)):
            once.of("a", observe)
    assert tries == [1]


def test_an_error_of_netproof_is_not_kept() -> None:
    """The next case tries again."""
    once = Once()
    with pytest.raises(ZeroDivisionError):
        once.of("a", lambda: 1 / 0)
    assert once.of("a", lambda: 1.0) == 1.0
