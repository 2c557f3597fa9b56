"""Allure's results of a run: statuses, categories, titles, places below requirements, pictures and history."""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest

from fixtures.faults import catalogue as faults
from policies import cases as corpus
from policies import requirements
from reports import page
from reports.allure_results import results
from suites.chaos import test_faults
from suites.motion import test_control_plane
from suites.networkpolicy import test_corpus as corpus_suite
from tests.catalogue import cited
from tests.support import reported, verdicts
from tests.support.reported import Cluster

if TYPE_CHECKING:
    from collections.abc import Iterable

SUITE = '''
from types import SimpleNamespace

import pytest
from reports.outcome import Inconclusive, Refuted

CASES = [
    pytest.param(SimpleNamespace(id=name), id=name, marks=[pytest.mark.requirement(*ids), pytest.mark.title(title)])
    for name, ids, title in (
        ("closed", ("P02", "P04"), "A policy without rules denies all traffic."),
        ("named", ("P04",), "A named port is a number."),
    )
]

@pytest.mark.parametrize("family", ["ipv4", "ipv6"])
@pytest.mark.parametrize("case", CASES)
def test_case(case, family):
    """A hand-written case of the corpus."""

@pytest.mark.requirement("D03")
@pytest.mark.skip("my-cni on lab does not offer it")
def test_unsupported():
    """It is not offered."""

@pytest.mark.requirement("D01")
def test_refuted():
    """It does not hold."""
    raise Refuted("2 of 9 flows are wrong")

@pytest.mark.requirement("D08")
def test_known():
    """It is known not to hold."""
    raise Refuted("9 of 9 flows are wrong")

@pytest.mark.requirement("D01", "D08")
def test_more_than_known():
    """It fails two requirements, of which one is known to fail."""
    raise Refuted("5 of 9 flows are wrong")

@pytest.mark.requirement("D02")
def test_assertion():
    """Its code is wrong."""
    assert 1 == 2

@pytest.fixture
def broken():
    yield
    raise OSError("the disk is full")

@pytest.mark.requirement("D04")
def test_teardown(broken):
    """Its fixture fails at the end."""

@pytest.mark.requirement("D05")
def test_inconclusive():
    """Its control fails."""
    raise Inconclusive("the server of a pod is dead")

def test_free():
    """It checks no requirement."""
'''
KNOWN = "- {requirement: D08, reason: It forgets a peer., link: 'https://example.com/8', expires: 2099-12-31}\n"
Results = dict[str, dict[str, Any]]


def read(folder: Path) -> Results:
    """Return the results in a folder by their titles, none of which two results share."""
    found = [json.loads(path.read_text()) for path in folder.glob("*-result.json")]
    assert len({row["name"] for row in found}) == len(found)
    return {row["name"]: row for row in found}


def labels(result: dict[str, Any], name: str) -> list[str]:
    """Return the values of a label."""
    return [row["value"] for row in result["labels"] if row["name"] == name]


def category(folder: Path, result: dict[str, Any]) -> str | None:
    """Return the category in which Allure puts a result, the first one that matches; None without one."""
    for row in json.loads((folder / page.CATEGORIES).read_text()):
        if result["status"] in row["matchedStatuses"] and re.search(
            row["messageRegex"], result["statusDetails"].get("message", "")
        ):
            return str(row["name"])
    return None


@pytest.fixture(scope="module", params=[(), ("-n", "1")], ids=["one-process", "xdist"])
def folder(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    """The folder of a run of SUITE whose plugin has a known divergence, in this process or with xdist."""
    parent = tmp_path_factory.mktemp("run")
    (parent / "my-cni").mkdir()
    (parent / "my-cni" / "known.yaml").write_text(KNOWN)
    target = parent / "out" / "allure-results"
    # The option is for workers, which have no Cluster.
    ended, _ = reported.run(
        parent, SUITE, Cluster(folder=parent / "my-cni"), "--alluredir", str(target), *request.param
    )
    assert "not complete" not in ended.output, ended.output
    assert list(target.glob("*-container.json"))  # allure-pytest wrote results
    return target


@pytest.mark.parametrize(
    ("title", "status", "kind", "message"),
    [
        ("A named port is a number. [named-ipv4]", "passed", None, ""),
        ("It does not hold.", "failed", "Product defects", "2 of 9 flows are wrong"),
        (
            "It is known not to hold.",
            "failed",
            "Known divergences",
            "known divergence, until 2099-12-31: It forgets a peer.\n9 of 9 flows are wrong",
        ),
        (
            "It fails two requirements, of which one is known to fail.",
            "failed",
            "Product defects",
            "5 of 9 flows are wrong",
        ),
        ("Its code is wrong.", "broken", "Errors of netproof or the machine", "error: assert 1 == 2"),
        ("Its fixture fails at the end.", "broken", "Errors of netproof or the machine", "error: the disk is full"),
        ("Its control fails.", "broken", "Inconclusive", "inconclusive: the server of a pod is dead"),
        ("It is not offered.", "skipped", "Unsupported", "unsupported: my-cni on lab does not offer it"),
        ("It checks no requirement.", "passed", None, ""),
    ],
)
def test_each_verdict_has_a_status_and_a_category(
    folder: Path, title: str, status: str, kind: str | None, message: str
) -> None:
    """Only a requirement that does not hold is failed; what netproof or the machine did is broken."""
    result = read(folder)[title]
    assert (result["status"], category(folder, result)) == (status, kind)
    assert result["statusDetails"].get("message", "") == message
    assert result["statusDetails"].get("known", False) == (kind == "Known divergences")


def test_every_case_is_below_its_requirements(folder: Path) -> None:
    """One that was not tried, too: with its area, its level as severity, and the page that states the requirement."""
    found, known = read(folder), requirements.load()
    skipped, both = found["It is not offered."], found["A policy without rules denies all traffic. [closed-ipv6]"]
    assert labels(skipped, "epic") == labels(skipped, "parentSuite") == ["datapath"]
    assert labels(skipped, "feature") == labels(skipped, "suite") == [f"D03 {known['D03'].sentence}"]
    assert labels(skipped, "severity") == ["critical"]
    assert labels(found["Its fixture fails at the end."], "severity") == ["normal"]  # D04 is a SHOULD
    assert labels(both, "feature") == [f"{name} {known[name].sentence}" for name in ("P02", "P04")]
    assert [(link["name"], link["url"]) for link in both["links"]] == [
        (name, known[name].link) for name in ("P02", "P04")
    ]
    assert known["P02"].catches in both["description"]
    assert labels(found["It checks no requirement."], "epic") == ["cases without a requirement"]
    assert found["It is known not to hold."]["links"][-1]["url"] == "https://example.com/8"


def test_parameters_are_short_and_alike_in_every_run(folder: Path) -> None:
    """Allure finds a case in earlier runs by them; an object is shown by its id."""
    result = read(folder)["A named port is a number. [named-ipv6]"]
    rows = {row["name"]: row["value"] for row in result["parameters"]}
    assert rows == {"case": "named", "family": "ipv6"}
    assert result["fullName"].endswith("::test_case[named-ipv6]")
    assert labels(result, "case") == [result["fullName"]]
    identities = [row["testCaseId"] for row in read(folder).values()]
    assert len({*identities}) == len(identities)


def test_the_environment_and_the_run_are_stated(folder: Path) -> None:
    """environment.properties has the cluster, and executor.json the name of the report."""
    lines = (folder / "environment.properties").read_text().splitlines()
    rows = dict(line.split(" = ", 1) for line in lines)
    assert rows["Plugin"] == r"my-cni\:plain"
    assert rows["Nodes"] == "3 (lab)"
    assert json.loads((folder / page.EXECUTOR).read_text())["reportName"] == "my-cni:plain on lab"


def complete(folder: Path, *cases: dict[str, Any], **more: object) -> Results:
    """Complete an empty folder by a verdict.json in which cases check D01; returns the results."""
    results.complete(folder, verdicts.document("failed", verdicts.requirement("D01", cases), **more), {})
    return read(folder)


def test_a_case_that_the_specification_leaves_open_is_skipped(tmp_path: Path) -> None:
    """Its reason is shown, in a category of its own; a case without a result, whose worker crashed, gets one."""
    found = complete(tmp_path, verdicts.case("undefined", "clause 7"), verdicts.case("error", "crashed", 1))
    undefined, crashed = found["Case 0 holds."], found["Case 1 holds."]
    assert (undefined["status"], category(tmp_path, undefined)) == ("skipped", "Undefined")
    assert undefined["statusDetails"]["message"] == "undefined: clause 7"
    assert (crashed["status"], category(tmp_path, crashed)) == ("broken", "Errors of netproof or the machine")
    assert crashed["stop"] - crashed["start"] == 500


@pytest.mark.parametrize(
    ("policies", "names"),
    [
        (True, ["Expected: TCP/80", "Observed: TCP/80", "Policies"]),
        (False, ["Expected: TCP/80", "Observed: TCP/80", "Path: x/b to x/a, TCP/80"]),
    ],
)
def test_the_pictures_of_the_page_are_attached(tmp_path: Path, *, policies: bool, names: list[str]) -> None:
    """Each is an SVG file with its styles, which loads nothing."""
    case = verdicts.case("failed", "1 of 9 flows is wrong", wrong=verdicts.wrong(policies=policies))
    attachments = complete(tmp_path, case)["Case 0 holds."]["attachments"]
    assert [row["name"] for row in attachments] == names
    assert {row["type"] for row in attachments} == {"image/svg+xml"}
    for row in attachments:
        picture = ET.fromstring((tmp_path / row["source"]).read_text())  # noqa: S314 - our own file
        assert picture.tag == "{http://www.w3.org/2000/svg}svg"
        style = str(picture.findtext("{*}style"))
        assert "--ink" in style
        assert "body" not in style  # rules for pages would be most of a file, of which a run has thousands


def test_wrong_results_leave_the_verdict_as_it_is(tmp_path: Path) -> None:
    """A run states that Allure's results are not complete, and ends as it would otherwise."""
    (tmp_path / "1-result.json").write_text("{")
    reason = results.complete_or_reason(tmp_path, verdicts.document("passed"), {})
    assert reason.startswith(" (Allure's results are not complete: JSONDecodeError")


def test_runs_of_one_plugin_share_a_history(tmp_path: Path) -> None:
    """It is beside their folders, and another one for other plugins and kinds of clusters."""
    document = verdicts.document("passed")
    path = page.history_of(tmp_path / "run1", document)
    assert (
        path == page.history_of(tmp_path / "run2", document) == tmp_path / "allure-history" / "flannel-vxlan-lab.jsonl"
    )
    assert path != page.history_of(tmp_path / "run2", document | {"cluster": {"provider": "kind"}})
    assert page.history_of(tmp_path / "run3", document | {"cni": "./my/cni:a"}).parent == path.parent


def titles_of(rows: Iterable[Any]) -> dict[str, list[str]]:
    """Return the titles that marks give to the rows of a parametrised case, by id."""
    return {row.id: [mark.args[0] for mark in row.marks if mark.name == "title"] for row in rows}


class Generator:
    """Does to files what Allure does: it appends a run to the history, and writes a page.

    Attributes:
        options: the options of the last page.
        fails: whether it fails after it wrote half of a history.
    """

    def __init__(self) -> None:
        self.options: dict[str, Any] = {}
        self.fails = False

    def run(self, command: list[str], *_: object) -> None:
        """Make a page."""
        self.options = json.loads(Path(command[command.index("--config") + 1]).read_text())
        with Path(self.options["historyPath"]).open("a") as file:
            file.write("half of" if self.fails else "a run\n")
        if self.fails:
            raise page.NoPageError("the page could not be made.")
        Path(self.options["output"]).mkdir()
        (Path(self.options["output"]) / "index.html").write_text("</html>")


def test_a_page_adds_its_run_to_the_history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next page has it; one that cannot be made leaves the history as it is. Allure gets the categories."""
    generator = Generator()
    monkeypatch.setattr(page, "_run", generator.run)
    monkeypatch.setattr(page, "prepare", lambda _: (Path("allure"), {}))
    history = tmp_path / "allure-history" / "x.jsonl"
    (tmp_path / "results").mkdir()
    complete(tmp_path / "results", verdicts.case("passed"))
    for _ in range(2):
        page.write(tmp_path / "results", tmp_path / "allure.html", tmp_path, history)
    generator.fails = True
    with pytest.raises(page.NoPageError):
        page.write(tmp_path / "results", tmp_path / "allure.html", tmp_path, history)
    assert history.read_text() == "a run\na run\n"
    assert generator.options["name"] == "flannel:vxlan on lab"
    assert generator.options["categories"] == json.loads((tmp_path / "results" / page.CATEGORIES).read_text())


def test_cases_of_a_requirement_have_sentences_of_their_own() -> None:
    """No two functions that check a requirement, and no two cases of the corpus, are titled alike."""
    pairs = Counter(
        (name, (ast.get_docstring(node) or "").partition("\n")[0])
        for _, node in cited.functions()
        for name in cited.requirements_of(node)
    )
    assert [pair for pair, n in pairs.items() if n > 1] == []
    titles = Counter(case.title for case in corpus.corpus())
    assert [title for title, n in titles.items() if n > 1] == []


def test_a_case_of_the_corpus_is_titled_by_its_own_sentence() -> None:
    """Not by the docstring of the function that runs all of them; faults, too."""
    marks = corpus_suite.test_case.pytestmark  # type: ignore[attr-defined]
    (cases,) = (mark.args[1] for mark in marks if mark.name == "parametrize")
    assert titles_of(cases) == {case.id: [case.title] for case in corpus.corpus()}
    cases_of_faults = titles_of(test_faults.FAULTS) | titles_of(test_control_plane.FAULTS)
    assert cases_of_faults == {fault.id: [fault.sentence] for fault in faults.load().values()}
