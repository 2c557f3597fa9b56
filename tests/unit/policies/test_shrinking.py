"""Shrinking ends, and leaves out one thing at a time."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from policies.families import Family
from policies.histories import History, histories
from policies.shrinking import smaller


@settings(max_examples=10, deadline=None)
@given(histories(3, Family.IPV4), st.data())
def test_shrinking_ends(history: History, data: st.DataObject) -> None:
    """Shrinking ends after finitely many steps, whichever candidates fail, at the base world at the latest."""
    for _ in range(500):
        candidates = [one for one in smaller(history) if one]
        assert history not in candidates
        if not candidates:
            break
        history = data.draw(st.sampled_from(candidates))
    else:
        raise AssertionError("it does not end")
    assert len(history) == 1
    assert history[0].policies == ()
