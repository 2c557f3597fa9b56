"""The summary of a run on the terminal: what failed, what was not tried, and the closing lines."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from reports import columns, failing, outcome, summary, untried
from reports.outcome import Verdict
from reports.record import Record

if TYPE_CHECKING:
    from collections.abc import Sequence

OUT = Path("/run")
REPORT = OUT / "report.html"
NO_POLICIES = "flannel:vxlan on lab does not offer network-policy"
NO_IPV6 = "the cluster has no IPv6"
WRONG = "3 of 9 flows are wrong:\nx/a → x/b: timeout\n\nx/a → x/c: timeout\nx/b → x/c: timeout\nx/c → x/a: timeout"
COMMAND = "./noxw -s certify -- --only D05"


def row(identity: str, verdict: str, message: str = "", *, area: str = "datapath", cases: int = 1) -> dict[str, Any]:
    """Return a row of verdict.json whose cases have that verdict and message."""
    each = {"verdict": verdict, "message": message, "facts": {}}
    return {
        "id": identity,
        "level": "MUST",
        "verdict": verdict,
        "area": area,
        "sentence": f"Every node has what {identity} demands, in a sentence of some ten or twenty words.",
        "cases": [{"case": f"x.py::test_{n}", "title": f"Case {n} of {identity}.", **each} for n in range(cases)],
    }


ROWS = [
    row("D01", "passed"),
    row("D02", "inconclusive", "the server of a pod is dead"),
    row("D05", "failed", WRONG),
    row("D19", "unsupported", NO_IPV6),
    row("P01", "unsupported", NO_POLICIES, area="network policy"),
    row("P02", "unsupported", NO_POLICIES, area="network policy"),
    row("P04", "unsupported", NO_POLICIES, area="network policy"),
    row("P05", "passed", area="network policy"),
    row("P06", "unsupported", NO_POLICIES, area="network policy"),
    row("P07", "unsupported", NO_IPV6, area="network policy"),
]


def drawn(
    rows: Sequence[dict[str, Any]] = ROWS,
    width: int = 120,
    *,
    page: str = "",
    records: Sequence[Record] = (),
    every_requirement: bool = False,
) -> list[str]:
    """Return the lines of the summary of a run with these rows."""
    counts = {each: {"MUST": sum(row["verdict"] == each for row in rows)} for each in outcome.ORDER}
    document = {
        "verdict": "failed",
        "cni": "flannel:vxlan",
        "cluster": {},
        "counts": counts,
        "requirements": rows,
        "seconds": 57.2,
        "seed": 7,
    }
    run = summary.EndedRun(document, (), records, OUT, page, COMMAND, str(REPORT))
    return summary.show(run, width, every_requirement=every_requirement).splitlines()


def test_what_failed_comes_first_with_its_reason() -> None:
    """The worst verdict comes first; id, level and sentence, and below them the beginning of the message."""
    assert drawn()[:8] == [
        "failed        D05  MUST  Every node has what D05 demands, in a sentence of some ten or twenty words.",
        "    3 of 9 flows are wrong:",
        "    x/a → x/b: timeout",
        "    x/a → x/c: timeout",
        "    x/b → x/c: timeout",
        "    … and 1 more, in verdict.json",
        "inconclusive  D02  MUST  Every node has what D02 demands, in a sentence of some ten or twenty words.",
        "    the server of a pod is dead",
    ]


def test_several_failed_cases_have_their_titles() -> None:
    """Only the first cases of a requirement are shown, and the number of the others."""
    lines = drawn([row("D05", "failed", "timeout", cases=failing.MOST_CASES + 2)])
    assert lines[1:3] == ["    Case 0 of D05.", "        timeout"]
    assert lines.count("        timeout") == failing.MOST_CASES
    assert "    … and 2 more cases, in verdict.json" in lines


def test_a_case_without_a_requirement_is_shown_if_it_failed() -> None:
    """It decides about the run, although verdict.json has no row for it."""
    records = [
        Record("x.py::test_a", "Something holds.", (), Verdict.ERROR, 0.1, "eth0 is missing"),
        Record("x.py::test_b", "Something else holds.", (), Verdict.PASSED, 0.1),
        Record("x.py::test_c", "A third thing holds.", ("D01",), Verdict.ERROR, 0.1),
    ]
    assert drawn([row("D01", "passed")], records=records)[:3] == [
        "error  -      Something holds.",
        "    eth0 is missing",
        "",
    ]


def test_areas_that_were_not_tried_have_counts_and_reasons() -> None:
    """Each area has one line, and one more for each further reason; neighbours among the ids are a range."""
    lines = drawn()
    begin = lines.index("unsupported, so not tried:")
    assert lines[begin + 1 : begin + 5] == [
        f"datapath        1  {NO_IPV6}: D19",
        f"network policy  5  {NO_POLICIES}: P01–P04, P06",
        f"                   {NO_IPV6}: P07",
        "",
    ]
    assert not [line for line in drawn(ROWS[:3]) if "unsupported" in line]


@pytest.mark.parametrize(
    ("ids", "text"),
    [
        ({"D01"}, "D01"),
        ({"D01", "D03"}, "D01, D03"),
        ({"D01", "D03", "D10"}, "D01–D10"),
        ({"D03", "D10", "K01", "K02"}, "D03, D10, K01, K02"),
    ],
)
def test_a_range_has_no_id_that_is_not_listed(ids: set[str], text: str) -> None:
    """Ids that the run does not have may be missing in a range; a range is of one letter."""
    assert untried.ranges(ids, ["D01", "D03", "D10", "K01", "K02"]) == text


def test_the_last_lines_tell_verdict_seed_command_and_report() -> None:
    """The last line is the path of report.html; Allure's page is named only if the run makes one."""
    assert drawn()[-5:] == [
        "flannel:vxlan is not certified: a MUST requirement does not hold.",
        "10 requirements: 2 passed, 6 unsupported, 1 inconclusive, 1 failed (57 s).",
        "seed: --seed 7",
        f"again: {COMMAND}",
        f"report: {REPORT}",
    ]
    assert drawn(page=f"{OUT}/allure.html")[-2:] == [f"every case: {OUT}/allure.html", f"report: {REPORT}"]


def test_a_table_of_every_requirement_is_an_option() -> None:
    """It comes first, with a row for each requirement; without it, those that passed are only counted."""
    rows = [line.split()[:2] for line in drawn(every_requirement=True)[: len(ROWS) + 1]]
    assert rows[0] == ["verdict", "id"]
    assert sorted(rows[1:]) == sorted([each["verdict"], each["id"]] for each in ROWS)
    assert drawn(every_requirement=True)[len(ROWS) + 2 :] == drawn()
    assert not [line for line in drawn() if "D01" in line]


@pytest.mark.parametrize("width", [50, 80, 100, 200])
def test_lines_fit_the_terminal(width: int) -> None:
    """No line is longer than the terminal is wide, and the longest use its width."""
    rows = [row("D05", "failed", "word " * 60), *(row(f"P{n}", "unsupported", "why " * n) for n in range(10, 40))]
    lines = drawn(rows, width)
    body = lines[: lines.index("", lines.index("unsupported, so not tried:"))]
    assert width - 5 < max(map(len, body)) <= width


def test_wrapped_lines_are_indented() -> None:
    """A sentence wraps below its own column; a message begins further left, and wraps to the right of its begin."""
    lines = drawn([row("D05", "failed", "word " * 30)], 70)
    assert lines[:4] == [
        "failed  D05  MUST  Every node has what D05 demands, in a sentence of",
        "                   some ten or twenty words.",
        f"    {'word ' * 13}".rstrip(),
        f"        {'word ' * 12}".rstrip(),
    ]


def test_text_without_room_beside_its_column_wraps_below_it() -> None:
    """In 40 columns, after 19 of them, the further lines begin at the fourth; a long word is not broken."""
    lines = columns.hanging(
        "inconclusive  D02  MUST  ", "Some words that do not fit, /and/a/path/of/forty/columns/in/one/word.", 40
    )
    assert lines == [
        "inconclusive  D02  MUST  Some words that",
        "    do not fit,",
        "    /and/a/path/of/forty/columns/in/one/word.",
    ]


@pytest.mark.parametrize(("variable", "width"), [("", columns.WITHOUT_TERMINAL), ("91", 91)])
def test_the_width_is_the_terminals(monkeypatch: pytest.MonkeyPatch, variable: str, width: int) -> None:
    """Without a terminal it is not 80; COLUMNS decides if it is set."""
    monkeypatch.setenv("COLUMNS", variable)
    monkeypatch.setattr("os.get_terminal_size", lambda _: (_ for _ in ()).throw(OSError))
    assert columns.width() == width
