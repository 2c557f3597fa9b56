"""Evidence: its limits, the first failure of each kind, and what verdict.json, report.html and Allure have of it."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import jsonschema
import pytest

from reports import evidence, kinds, verdict
from reports.report import page
from tests.support import reported
from tests.support.html import Page
from tests.support.verdicts import case, document, requirement

if TYPE_CHECKING:
    from collections.abc import Iterable

SUITE = """
import pytest
from pathlib import Path
from reports import evidence
from reports.outcome import Refuted

@pytest.fixture
def folder(request):
    return evidence.folder_of(Path(request.config.option.out), request.node.nodeid)

@pytest.mark.requirement("D02")
def test_fails(folder):
    "It fails."
    evidence.write(folder, "path", "lost, password: hunter2")
    evidence.write(folder, "hop 01 x eth0.pcap", b"\\xd4\\xc3\\xb2\\xa1")
    evidence.attach_files(folder)
    raise Refuted("no token=hunter2 here")

@pytest.mark.requirement("D01")
def test_passes(folder):
    "It passes."
    evidence.write(folder, "path", "fine")
"""


def test_a_text_that_is_too_long_is_truncated_and_says_so(tmp_path: Path) -> None:
    """In its last line; in bytes, whatever the characters are."""
    assert evidence.write(tmp_path, "log", "ä" * evidence.LONGEST_FILE) == ""
    data = (tmp_path / "log.txt").read_bytes()
    assert len(data) <= evidence.LONGEST_FILE
    assert data.decode().splitlines()[-1].startswith("[truncated: the text has 524288 bytes")


def test_a_case_and_a_run_have_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is beyond them is not written, and the reason is returned."""
    monkeypatch.setattr(evidence, "LARGEST_CASE", 300)
    monkeypatch.setattr(evidence, "LARGEST_RUN", 350)
    first, second, third = (tmp_path / "evidence" / name for name in ("a", "b", "c"))
    assert evidence.write(first, "one", "x" * 200) == ""
    assert "the files of the case would have more than 300 bytes" in evidence.write(first, "two", "x" * 200)
    assert evidence.write(second, "one", "x" * 200) == ""
    assert "the files of earlier cases have 350 bytes" in evidence.write(third, "one", "x")
    assert evidence.write(second, "two", "x" * 50) == ""
    too_long = bytes(evidence.LONGEST_FILE + 1)
    assert "a file has 262144 at most" in evidence.write(second, "x.pcap", too_long)
    written = sorted(path.name for path in (tmp_path / "evidence").rglob("*.txt"))
    assert written == ["one.txt", "one.txt", "two.txt"]


def test_the_first_failure_of_a_kind_is_one_only(tmp_path: Path) -> None:
    """Also if many processes or threads fail at the same time; all others get the name of its folder."""
    folders = [tmp_path / "evidence" / f"case-{number}" for number in range(40)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda folder: kinds.first(folder, "D02 timeout"), folders))
    winner = folders[answers.index("")].name
    assert sorted(answers) == ["", *[winner] * 39]
    assert kinds.first(folders[0], kinds.of("D02", "unreachable:no route")) == ""
    assert kinds.first(folders[1], kinds.of("D02", "unreachable:other")) == "case-0"


def test_the_number_of_kinds_is_limited(tmp_path: Path) -> None:
    """Those that are known keep their first failure."""
    folder = tmp_path / "evidence" / "a"
    assert {kinds.first(folder, f"kind {number}") for number in range(kinds.MOST)} == {""}
    with pytest.raises(kinds.TooManyKindsError, match="25 kinds"):
        kinds.first(folder, "another")
    assert kinds.first(tmp_path / "evidence" / "b", "kind 3") == "a"


def test_a_later_failure_names_the_evidence_of_the_first(tmp_path: Path) -> None:
    """Its files, those that explain the most first, and at the end that folder."""
    folder = evidence.folder_of(tmp_path, "suites/x.py::test_a[ipv4]")
    for name in ("replay", "matrix.html", evidence.ABOUT):
        evidence.write(folder, name, f"{evidence.FIRST}../test_b/\n")
    names = [f"evidence/x.py-test_a-ipv4-/{name}" for name in ("matrix.html", "about.txt", "replay.txt")]
    assert evidence.files(tmp_path, "suites/x.py::test_a[ipv4]") == (*names, "evidence/test_b/")
    assert evidence.files(tmp_path, "suites/x.py::test_b") == ()


def texts(folder: Path) -> Iterable[str]:
    """The contents of all files below a folder."""
    return (path.read_text(errors="replace") for path in folder.rglob("*") if path.is_file())


def test_evidence_is_in_all_reports_of_a_run(tmp_path: Path) -> None:
    """In verdict.json by path, in Allure with its media type, on the page as links; without secrets anywhere."""
    _, result = reported.run(tmp_path, SUITE, reported.Cluster())
    out = tmp_path / "out"
    jsonschema.Draft202012Validator(json.loads(verdict.SCHEMA.read_text())).validate(result)
    (passed,), (failed,) = (row["cases"] for row in result["requirements"])
    assert "evidence" not in passed
    assert [Path(name).name for name in failed["evidence"]] == ["path.txt", "hop-01-x-eth0.pcap"]
    assert all((out / name).is_file() for name in failed["evidence"])
    attached = [
        (each["name"], each["type"], (out / "allure-results" / each["source"]).suffix)
        for path in (out / "allure-results").glob("*-result.json")
        for each in json.loads(path.read_text()).get("attachments", ())
    ]
    expected = [("path", "text/plain", ".txt"), ("hop 01 x eth0", "application/vnd.tcpdump.pcap", ".pcap")]
    assert [each for each in expected if each not in attached] == []
    links = {value for _, name, value in Page((out / "report.html").read_text()).attributes if name == "href"}
    assert {*failed["evidence"]} <= links
    assert [text for text in texts(out) if "hunter2" in text] == []


def test_a_page_of_a_run_without_lists_links_to_the_folder() -> None:
    """A verdict.json of an earlier version has none."""
    html = page.render(document("failed", requirement("D02", [case("failed", "x")])))
    assert 'href="evidence/x.py-test_0/"' in html
