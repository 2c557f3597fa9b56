"""The part of report.html about changes of policies."""

from __future__ import annotations

from typing import Any

from reports.report import motion, page
from tests.support.verdicts import case, document, requirement

WINDOW = {
    "kind": "policy edited",
    "direction": "closes",
    "windows": 30,
    "p50": 12,
    "p95": 40,
    "p99": None,
    "longest": 60,
    "each": [0, 12, 60],
    "resolution": 14,
    "too short to measure": 9,
    "not over": 2,
}
FATES = {"tcp, policy edited: kept": 5}


def test_windows_and_connections_are_shown() -> None:
    """Each window has its effect, percentiles, resolution and a bar; each fate its number."""
    facts: dict[str, Any] = {motion.WINDOWS: [WINDOW], motion.CONNECTIONS: FATES}
    html = page.render(document("passed", requirement("T01", [case("passed", **facts)])))
    assert "denied flows get through" in html
    assert "30, 2 of them still open at the end" in html
    assert "± 14 ms" in html
    assert "tcp, policy edited: kept" in html
    assert "p50 12 ms, p95 40 ms, longest 60 ms" in html
    assert "too few" in html
    assert html.count('<rect class="each"') == 3  # one for each window


def test_a_run_without_such_cases_has_no_such_part() -> None:
    """Neither the section nor the link to it exists."""
    html = page.render(document("passed", requirement("D01", [case("passed")])))
    assert "While policies change" not in html
