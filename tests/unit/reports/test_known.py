"""Known divergences: which failures they excuse, and what is told about rows that are out of date."""

from __future__ import annotations

import dataclasses
import datetime
from typing import TYPE_CHECKING, Any

import pytest

from policies.datafile import BadFileError
from reports import known, outcome
from reports.known import Owner, Row, Status, Subject
from reports.outcome import Verdict
from reports.report import page
from reports.summary import EndedRun, show
from tests.support.html import Page
from tests.support.verdicts import case, document, requirement

if TYPE_CHECKING:
    from pathlib import Path

DAY = datetime.date(2026, 6, 30)
SUBJECT = Subject(DAY, {"agent": "v0.28.4", "kernel": "6.18.44-generic", "own": "given"}, ("ipv4", "ipv6"))
ROW: dict[str, Any] = {"requirement": "D01", "reason": "The agent forgets a peer.", "link": "https://example.com/1"}


def row(variant: str = "plain", expires: str = "2026-06-30", **more: Any) -> Row:  # noqa: ANN401 - JSON
    """Return a row about D01 whose last day is that of the run."""
    return Row(known.Divergence(**ROW, expires=expires, **more), "my-cni/known.yaml", variant)


def status(verdict: str, *rows: Row, subject: Subject = SUBJECT) -> list[Status]:
    """Return what a run with that verdict of D01 found out about rows."""
    return [finding.status for finding in known.judge(rows, {"D01": Verdict(verdict)}, subject)]


@pytest.mark.parametrize(
    ("verdict", "found"),
    [
        ("failed", [Status.FAILS]),
        ("passed", [Status.PASSES]),
        ("unsupported", []),
        ("inconclusive", []),
        ("error", []),
    ],
)
def test_only_failures_are_excused(verdict: str, found: list[Status]) -> None:
    """A pass is a finding; a run that did not decide a requirement knows nothing about its rows."""
    assert status(verdict, row()) == found
    assert known.judge([row()], {}, SUBJECT) == ()


@pytest.mark.parametrize(("expires", "found"), [("2026-06-30", Status.FAILS), ("2026-06-29", Status.EXPIRED)])
def test_a_row_excuses_until_the_end_of_its_last_day(expires: str, found: Status) -> None:
    """The day on which the run began decides, in UTC; a row that has expired is a finding in any case."""
    assert status("failed", row(expires=expires)) == [found]
    facts: dict[str, Any] = {"programs": [], "cluster": {}}
    assert Subject.of(facts, "2026-06-30T23:59:59Z").day == DAY
    assert status("passed", row(expires="2026-06-29")) == [Status.EXPIRED]


@pytest.mark.parametrize(
    ("versions", "found"),
    [
        ({"agent": ">=0.28, <0.29"}, Status.FAILS),
        ({"agent": "==0.28.4"}, Status.FAILS),
        ({"agent": "<0.28.4"}, Status.OTHER_VERSION),
        ({"kernel": "<6.19"}, Status.FAILS),
        ({"kernel": ">=6.19"}, Status.OTHER_VERSION),
        ({"agent": ">=0.28", "kernel": ">=6.19"}, Status.OTHER_VERSION),  # all of them have to match
        ({"own": ">=0.28"}, Status.OTHER_VERSION),  # a program of --bin has no version
        ({"absent": ">=0"}, Status.OTHER_VERSION),
    ],
)
def test_a_row_is_about_a_range_of_versions(versions: dict[str, str], found: Status) -> None:
    """A failure of another version, or of one that is not known, counts, and the message says why."""
    (finding,) = known.judge([row(versions=versions)], {"D01": Verdict.FAILED}, SUBJECT)
    assert finding.status is found
    assert finding.sentence.startswith("D01 fails")
    assert status("passed", row(versions={"agent": "<0.28.4"})) == []


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("v0.28.4", "0.28.4"),
        ("v1.2.0-rc.1", "1.2.0rc1"),
        ("v1.9.1-flannel1", "1.9.1"),
        ("v0.28.4-12-gabc1234-dirty", "0.28.4"),
        ("given", "None"),
        ("", "None"),
    ],
)
def test_versions_are_read_as_programs_write_them(text: str, version: str) -> None:
    """A version may have a v before it and a suffix after it."""
    assert str(known.version_of(text)) == version


def test_a_range_has_the_release_candidates_of_its_versions() -> None:
    """A candidate of a version is a version, too: it comes before the release."""
    subject = dataclasses.replace(SUBJECT, versions={"agent": "v0.29.0-rc.1"})
    assert status("failed", row(versions={"agent": "<0.29"}), subject=subject) == [Status.OTHER_VERSION]
    assert status("failed", row(versions={"agent": "<0.29.0rc2"}), subject=subject) == [Status.FAILS]


def test_a_row_can_be_about_variants_and_address_families() -> None:
    """It says nothing about others: neither an excuse nor a finding."""
    assert status("failed", row(variants=("plain",), families=("ipv6",))) == [Status.FAILS]
    assert status("failed", row(variants=("other",))) == []
    ipv4 = dataclasses.replace(SUBJECT, families=("ipv4",))
    assert status("passed", row(families=("ipv6",)), subject=ipv4) == []
    assert status("failed", row(families=("ipv4", "ipv6")), subject=ipv4) == []


def test_one_of_two_rows_is_enough() -> None:
    """Rows of one requirement for other versions are no findings if one excuses its failure."""
    rows = row(versions={"agent": "<0.20"}), row(versions={"agent": ">=0.28"})
    assert status("failed", *rows) == [Status.FAILS]
    assert status("failed", rows[0], row(expires="2026-01-01")) == [Status.OTHER_VERSION, Status.EXPIRED]


GOOD = "{requirement: D01, reason: It forgets a peer., link: 'https://example.com', expires: 2026-06-30"


def test_files_beside_plugins_and_of_the_user_are_read(tmp_path: Path) -> None:
    """The plugin's, that of the engine beside it, and --known; a date needs no quotes."""
    plugin, engine, given = tmp_path / "plugin", tmp_path / "engine", tmp_path / "mine.yaml"
    for folder in (plugin, engine):
        folder.mkdir()
        (folder / known.NAME).write_text(f"- {GOOD}}}\n")
    given.write_text(f"- {GOOD}, variants: [b]}}\n")
    owners = [Owner(plugin, "b", ("a", "b")), Owner(engine, "c", ("c",))]
    rows = known.load(owners, given, {"D01"})
    assert [(row.file, row.variant) for row in rows] == [
        ("plugin/known.yaml", "b"),
        ("engine/known.yaml", "c"),
        (str(given), "b"),
    ]
    assert {row.divergence.expires for row in rows} == {"2026-06-30"}
    assert known.load([Owner(tmp_path, "a", ("a",))], None, {"D01"}) == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"- {GOOD}, variants: [c]}}", r"line 1, \[0\]\.variants\[0\]: 'c' is no variant; there are a, b\."),
        (f"- {GOOD.replace('D01', 'D99')}}}", r"\[0\]\.requirement: no requirement is called D99\."),
        (f"- {GOOD.replace('06-30', '06-31')}}}", r"\[0\]\.expires: 2026-06-31 is no day\."),
        (f"- {GOOD.replace('2026-06-30', 'soon')}}}", r"\[0\]\.expires: 'soon' does not match"),
        (f"- {GOOD}, versions: {{agent: new}}}}", r"\[0\]\.versions\.agent: 'new' is no range of versions; write it"),
        (f"- {GOOD}, versions: {{agent: 0.28}}}}", r"\[0\]\.versions\.agent: 0\.28 is not of type 'string'\."),
        (f"- {GOOD}, version: x}}", r"\[0\]\.version: is unknown \(did you mean versions\?\)"),
        ("- {requirement: D01}", r"line 1, \[0\]: '.*' is a required property\."),
        ("- [", "not YAML"),
    ],
)
def test_a_wrong_row_is_named_with_file_line_and_field(tmp_path: Path, text: str, message: str) -> None:
    """So that nothing is excused by mistake, and no row is ignored."""
    given = tmp_path / "mine.yaml"
    given.write_text(text)
    with pytest.raises(BadFileError, match=message) as refused:
        known.load([Owner(tmp_path, "a", ("a", "b"))], given, {"D01"})
    assert str(refused.value).startswith(str(given))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """A misspelt --known would excuse nothing."""
    with pytest.raises(BadFileError, match=r"nothing\.yaml cannot be read: No such file"):
        known.load([], tmp_path / "nothing.yaml", {"D01"})


def finding(identity: str, status: Status, sentence: str) -> dict[str, str]:
    """Return a finding of verdict.json."""
    return {
        "requirement": identity,
        "status": status,
        "sentence": sentence,
        "reason": "The agent forgets a peer.",
        "link": "https://example.com/1",
        "expires": "2026-06-30",
        "file": "my-cni/known.yaml",
    }


RUN = document(
    "passed",
    requirement("D01", [case("failed", "2 of 9 flows are wrong")]),
    requirement("D02", [case("passed")]),
    requirement("D05", [case("failed", "9 of 9 flows are wrong")], level="SHOULD"),
    known=[
        finding("D01", Status.FAILS, "D01 fails as known."),
        finding("D02", Status.PASSES, "D02 passes: remove it."),
    ],
)


def test_known_divergences_have_a_heading_of_their_own() -> None:
    """On the page and on the terminal, apart from what fails; rows to look at follow, and the answer mentions them."""
    text = " ".join(Page(page.render(RUN)).text.split())
    assert "Yes" in text
    assert "except for known divergences (D01)" in text
    assert "Known divergences" in text
    assert "The agent forgets a peer." in text
    assert "D02 passes: remove it. (my-cni/known.yaml)" in text
    ended = EndedRun(RUN, (), (), None, "", "./noxw", "report.html")  # type: ignore[arg-type] # no claims
    lines = show(ended, 120, every_requirement=False).splitlines()
    start = lines.index("known divergences, which do not count:")
    assert lines[start + 1].startswith("failed  D01  MUST")
    assert lines[lines.index("known divergences to look at:") + 1] == "D02 passes: remove it. (my-cni/known.yaml)"
    assert sum(line.startswith("failed  D05") for line in lines[:start]) == 1
    assert not any(line.startswith("failed  D01") for line in lines[:start])
    part = known.closing({**RUN, "session": "motion", "narrowed_by": ["--only"]})
    assert part.endswith(
        "that is not a certification. The run checked only some requirements (--only). "
        "The session motion does not check all requirements."
    )
    assert known.closing({**RUN, "known": []}) == outcome.CLOSING[Verdict.PASSED].format(cni="flannel:vxlan")
