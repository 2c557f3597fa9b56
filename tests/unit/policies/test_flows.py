"""Expectations and what contradicts them."""

from __future__ import annotations

import pytest

from policies import matrix
from policies.flow import DENIED, Flow, Observation, Target

TARGET = Target("tcp", "10.244.1.2", 80)
EXACT = Flow("x/a", "x/b", TARGET, identities=frozenset({"x/b"}), sources=frozenset({"10.244.1.3"}))


@pytest.mark.parametrize(
    ("seen", "why"),
    [
        (Observation("connected", "x/b", "10.244.1.3"), None),
        (Observation("connected", "x/c", "10.244.1.3"), "misdelivered"),
        (Observation("connected", "x/b", "192.0.2.11"), "wrong source"),
        (Observation("timeout"), "timeout"),
        (Observation("unreachable:EHOSTUNREACH"), "unreachable:EHOSTUNREACH"),
    ],
)
def test_a_flow_has_to_reach_the_right_pod_from_the_right_address(seen: Observation, why: str | None) -> None:
    """Connected is not enough: identity and source count where they are stated."""
    assert EXACT.wrong(seen) == why


@pytest.mark.parametrize(
    ("outcome", "why"),
    [
        ("timeout", None),
        ("refused", None),
        ("reset", None),
        ("connected", "got through"),
        ("broken:EIO", "broken:EIO"),
    ],
)
def test_a_denied_flow_has_to_be_stopped_and_not_broken(outcome: str, why: str | None) -> None:
    """Every way of not getting through is a denial; a broken probe is none."""
    assert Flow("x/a", "x/b", TARGET, outcome=DENIED, server="x/b").wrong(Observation(outcome)) == why


def test_a_matrix_marks_wrong_cells_and_leaves_unsent_ones_blank() -> None:
    """Right cells are dots, wrong ones carry the reason, cells without a flow stay blank."""
    back = Flow("x/b", "x/a", TARGET)
    wrong = matrix.Wrong(back, Observation("timeout"), "timeout")
    text = matrix.build([EXACT, back], [wrong]).text()
    assert text.splitlines() == [
        "            1        2",
        "x/a         .",
        "x/b           !timeout",
        "     1 = x/b",
        "     2 = x/a",
    ]
