"""The speed of paths in reports: statistics, the page, the terminal, metrics, and comparisons of runs."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from reports import performance_fact, replay, summary, verdict, verdict_file
from reports.comparison import noise, page
from reports.comparison.sides import Side
from reports.exports import metrics
from reports.performance_fact import CPU, FIGURES, THROUGHPUT, TRIP_P50, TRIP_P99
from reports.report import page as report_page
from tests.support.html import Page
from tests.support.speeds import fact, four, run

if TYPE_CHECKING:
    from reports.comparison.difference import Section

OTHER_MACHINES = "the nodes are other machines than the one that netproof runs on"


@pytest.mark.parametrize(
    ("number", "left_out"), [(1, None), (5, None), (6, 0), (8, 0), (9, 1), (10, 1), (12, 2), (20, 5), (100, 39)]
)
def test_an_interval_has_the_confidence_that_it_states(number: int, left_out: int | None) -> None:
    """Its limits are the values of the tables for the sign test, whatever the order of the values."""
    values = [float(value) for value in range(1, number + 1)][::-1]
    expected = None if left_out is None else (left_out + 1.0, number - float(left_out))
    assert performance_fact.interval(values) == expected


def test_an_interval_leaves_the_median_out_as_rarely_as_it_states() -> None:
    """Of all ways in which seven values lie below or above the median, those with it outside are at most 5 %."""
    outside = 0
    for signs in itertools.product((-1.0, 1.0), repeat=7):
        low, high = performance_fact.interval([sign * (2 + n) for n, sign in enumerate(signs)]) or (0.0, 0.0)
        outside += low > 0 or high < 0
    assert 0 < outside <= 0.05 * 2**7


def test_a_ratio_is_that_of_a_round() -> None:
    """If machine and path slow down together, the ratio stays; it is the median, so one odd round does not count."""
    own, base = [10.0, 5.0, 1.0], [20.0, 10.0, 20.0]
    found = performance_fact.figures(
        [{THROUGHPUT.key: value} for value in own], [{THROUGHPUT.key: value} for value in base]
    )
    assert found == {
        THROUGHPUT.key: {"value": 5.0, "values": own, "base": 20.0, "ratio": 0.5, "ratios": [0.5, 0.5, 0.05]}
    }


def test_a_pair_without_work_has_no_ratio() -> None:
    """Nothing is divided by the zero seconds that a pair seems to have worked if it was measured too shortly."""
    found = performance_fact.figures([{CPU.key: 0.2}] * 2, [{CPU.key: 0.0}, {CPU.key: 0.1}])
    assert found == {CPU.key: {"value": 0.2, "values": [0.2, 0.2]}}


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.01234, "0.0123"), (0.5, "0.500"), (12.345, "12.3"), (999.6, "1,000"), (45678, "45,678")],
)
def test_numbers_have_three_digits(value: float, text: str) -> None:
    """Larger ones keep all of their digits before the point."""
    assert performance_fact.number(value) == text


def test_the_schema_has_the_fact(tmp_path: Path) -> None:
    """A verdict.json with it can be read, and one with a figure of another form is refused."""
    path = tmp_path / "verdict.json"
    document = run(*four())
    path.write_text(verdict.text(document))
    assert verdict_file.read(path) == document
    document["requirements"][0]["cases"][0]["facts"]["performance"]["figures"][THROUGHPUT.key] = 3.0
    path.write_text(verdict.text(document))
    with pytest.raises(verdict_file.BadVerdictError, match="figures"):
        verdict_file.read(path)


def test_the_page_has_each_figure_with_its_ratio() -> None:
    """A row for the pair and one for each path; a phone shows the name of each figure beside it."""
    html = report_page.render(run(*four()))
    text = Page(html).text
    assert "Bare veth pair = 1.00" in text
    assert "9.98 Gbit/s" not in text
    assert "10.0 Gbit/s" in text
    assert "× 0.50" in text
    assert "ClusterIP" in text
    for figure in FIGURES:
        assert html.count(f'data-label="{figure.name}"') == 5
    assert '<a href="#performance">' in html
    assert "busy machine" not in text


def test_the_page_labels_a_busy_machine_and_a_missing_pair() -> None:
    """Which row, and how busy; or why there are no ratios."""
    text = Page(report_page.render(run(*four(), late=(0.0, 0.0, 0.4, 0.0)))).text
    assert text.count("busy machine: other programs took 40% of the processor time") == 1
    text = Page(report_page.render(run(*four(without_base=OTHER_MACHINES)))).text
    assert f"Not compared with a bare veth pair: {OTHER_MACHINES}" in text
    assert "= 1.00" not in text
    assert "×" not in text


def test_the_page_shows_intervals_and_families_if_there_are_some() -> None:
    """Those of the ratio, or of the figure without a pair; a family only if the run has both."""
    many = (0.9, 0.95, 0.98, 1.0, 1.02, 1.04, 1.1)
    both = [*four(rounds=many), *four(rounds=many, family="ipv6")]
    text = Page(report_page.render(run(*both))).text
    assert "× 0.50 (0.45 to 0.55)" in text
    assert "Other node, IPv6" in text
    alone = Page(report_page.render(run(*four(rounds=many, without_base=OTHER_MACHINES)))).text
    assert "9.00 to 11.0" in alone
    assert "IPv4" not in alone


def test_a_run_without_figures_has_no_such_part() -> None:
    """Neither the section nor the link nor the line, also if a later version wrote the fact."""
    later = run(*four())
    for row in later["requirements"][0]["cases"]:
        row["facts"]["performance"] = {"version": 2}
    assert "Speed of each path" not in report_page.render(later)
    assert performance_fact.line(later) == ""
    assert not [each for each in page_of(later, later).sections if each.key == "paths" and each.same]


def test_the_terminal_has_a_line() -> None:
    """Throughput and round trip of each path as ratios, or as figures without a pair, and how busy the machine was."""
    assert performance_fact.line(run(*four())) == (
        "speed (throughput, round trip, of a bare veth pair (20.0 Gbit/s, 20.0 µs)): same node × 0.91, × 1.10; "
        "other node × 0.50, × 2.00; ClusterIP × 0.45, × 2.20; outside × 0.67, × 1.50"
    )
    alone = performance_fact.line(run(fact("other node", 2.0, without_base=OTHER_MACHINES), late=(0.3,)))
    assert alone == (
        "speed (throughput, round trip): other node 10.0 Gbit/s, 40.0 µs; "
        "other programs took up to 30% of the processor time meanwhile"
    )


def test_the_attachment_has_all_figures() -> None:
    """A line each, with the ratio, and why there is none."""
    lines = performance_fact.text(fact("other node", 2.0)).splitlines()
    assert lines[0] == "other node, IPv4: netproof-x/a-node1 → netproof-x/a-node2, medians of 3 rounds"
    assert len(lines) == 1 + len(FIGURES)
    assert all("ratio" in line for line in lines[1:])
    many = [1.0] * 10
    assert "(0.50 to 0.50)" in performance_fact.text(fact("outside", 0.5, rounds=many))
    assert "(5,000 to 5,000)" in performance_fact.text(fact("outside", 2.0, rounds=many, without_base="no unshare"))
    assert performance_fact.text(fact("outside", 2.0, without_base="no unshare")).endswith(
        "no bare veth pair: no unshare"
    )


def test_the_session_that_measures_more_often_prints_all_figures() -> None:
    """In other runs the terminal has the line alone."""
    document = run(*four())
    for session, tables in (("perf", 4), ("certify", 0)):
        ended = summary.EndedRun(
            document | {"session": session}, [], [], Path("/run"), "", "./noxw", "/run/report.html"
        )
        assert summary.show(ended, 120, every_requirement=False).count("medians of 3 rounds") == tables


def test_metrics_have_base_units() -> None:
    """Bits, seconds and ratios, by path and family."""
    text = metrics.render(run(*four()))
    labels = 'family="ipv4",path="other node"'
    assert f"netproof_path_throughput_bits_per_second{{{labels}}} 1e+10" in text
    assert f'netproof_path_round_trip_seconds{{{labels},percentile="50"}} 4e-05' in text
    assert f'netproof_path_round_trip_seconds{{{labels},percentile="99"}} 8e-05' in text
    assert 'netproof_path_ratio{family="ipv4",figure="cpu_s_per_gb",path="other node"} 2.0' in text


def page_of(*documents: dict[str, Any]) -> page.Compared:
    """Compare runs."""
    return page.compare([Side(f"run{number}", (each,)) for number, each in enumerate(documents, 1)])


def paths_of(*documents: dict[str, Any]) -> Section:
    """Return how the paths of some runs differ."""
    return next(each for each in page_of(*documents).sections if each.key == "paths")


def test_a_slower_path_is_a_difference() -> None:
    """All figures of this path, and of no other one."""
    found = paths_of(run(*four()), run(*four((1.1, 6.0, 2.2, 1.5))))
    assert {row.what for row in found.rows} == {f"{figure.name}, other node, IPv4" for figure in FIGURES}
    assert found.rows[0].change in {"smaller by a factor of 3.0", "larger by a factor of 3.0"}
    assert "18 of 24 figures of paths do not differ." in found.same
    assert [row.cells for row in found.rows if row.what.startswith("Throughput")] == [
        ("× 0.50 (10.0 Gbit/s)", "× 0.17 (3.33 Gbit/s)")
    ]


def test_ratios_are_compared_and_not_machines() -> None:
    """A machine on which everything is three times slower has equal ratios."""
    slow = run(*four())
    for case in slow["requirements"][0]["cases"]:
        for figure in case["facts"]["performance"]["figures"].values():
            figure["value"], figure["base"] = figure["value"] * 3, figure["base"] * 3
            figure["values"] = [value * 3 for value in figure["values"]]
    assert paths_of(run(*four()), slow).rows == ()
    without = run(*four(without_base=OTHER_MACHINES))
    assert paths_of(run(*four()), without).rows == ()
    assert paths_of(without, run(*four((1.1, 6.0, 2.2, 1.5), without_base=OTHER_MACHINES))).rows


@pytest.mark.parametrize(
    ("first", "second", "figure", "differ"),
    [
        ([0.50, 0.52, 0.54], [0.30, 0.31, 0.32], THROUGHPUT, True),
        ([0.50, 0.52, 0.54], [0.41, 0.42, 0.43], THROUGHPUT, False),  # 19 %
        ([0.50, 0.52, 0.54], [0.30, 0.31, 0.50], THROUGHPUT, False),  # a round of one is as fast as one of the other
        ([1.0, 1.1, 1.2], [1.9, 2.0, 2.1], TRIP_P50, True),
        ([1.0, 1.1, 1.2], [1.9, 2.0, 2.1], TRIP_P99, False),  # 45 %
        ([1.0, 1.1, 1.2], [3.9, 4.0, 4.1], TRIP_P99, True),
        ([0.50, 0.52, 0.54], [0.30] * 9 + [0.50], THROUGHPUT, True),  # one of ten rounds was odd
    ],
)
def test_what_scatters_is_no_difference(
    first: list[float], second: list[float], figure: performance_fact.Figure, *, differ: bool
) -> None:
    """Medians differ by more than equal runs do, and the rounds do not overlap."""
    assert noise.paths_differ(first, second, figure) == differ
    assert noise.paths_differ(second, first, figure) == differ


def test_paths_of_a_busy_machine_are_not_compared() -> None:
    """Those of the others are."""
    busy = run(*four((1.1, 6.0, 2.2, 9.0)), late=(0.0, 0.5, 0.0, 0.0), cni="flannel:udp")
    found = paths_of(run(*four()), busy)
    assert {row.what.split(", ")[1] for row in found.rows} == {"outside"}
    assert found.same[-1] == (
        "Other programs took up to 50% of the processor time while paths of flannel:udp were measured: "
        "those figures are left out."
    )


def test_the_session_is_named() -> None:
    """Its command repeats it; the whole suite is part of certify."""
    assert replay.Run(["suites/performance/test_paths.py", "--repeats", "10"], 1, None).session == "perf"
    assert replay.Run(["suites/datapath", "suites/performance"], 1, None).session == "certify"
