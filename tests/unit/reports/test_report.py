"""report.html: the page of a run, rendered from verdict.json."""

from __future__ import annotations

import json
import re
import time
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from reports import verdict
from reports.report import __main__ as command
from reports.report import failures, page
from tests.support import verdicts
from tests.support.html import Page
from tests.support.verdicts import FAULT, case, document, requirement

if TYPE_CHECKING:
    from pathlib import Path

HOSTILE = "</pre><script>alert(1)</script>\"'><img src=https://evil.example/x onerror=alert(1)>"
NO_POLICIES = "flannel:vxlan does not offer network-policy"


def policy_failure() -> dict[str, Any]:
    """Return the verdict.json of a run in which a policy is not enforced."""
    failed = requirement(
        "P02", [case("failed", "1 of 9 flows are wrong", wrong=verdicts.wrong())], area="network policy"
    )
    return document("failed", failed, requirement("D01", [case("passed")]))


def datapath_failure() -> dict[str, Any]:
    """Return the verdict.json of a run in which pods of two nodes do not reach each other."""
    fact = verdicts.wrong(("+++",) * 3, ("+--", "-++", "-++"), policies=False)
    lost = "Applications cannot open connections."
    failed = requirement("D02", [case("failed", "4 of 9 flows are wrong", wrong=fact)], consequence=lost)
    return document(
        "failed", failed, requirement("F01", [case("passed", number=1, fault=FAULT)], area="chaos", level="SHOULD")
    )


DOCUMENTS = {
    "passed": document(
        "passed",
        requirement("D01", [case("passed")]),
        requirement("P01", [case("unsupported", NO_POLICIES)], area="network policy"),
        requirement("P02", [case("unsupported", NO_POLICIES)], area="network policy"),
        requirement("D66", [case("passed", reachable_seconds=0.34)]),
    ),
    "policy": policy_failure(),
    "datapath": datapath_failure(),
    "inconclusive": document("inconclusive", requirement("D02", [case("inconclusive", "the server of x/a is dead")])),
    "partial": document("error", requirement("D01", [case("passed")]), partial=True),
    "no cluster": document("failed", reason="flanneld does not become ready."),
    "crash": document("error", cases_without_requirement=[case("error", "the worker ended")]),
}


@pytest.mark.parametrize("name", list(DOCUMENTS))
def test_every_verdict_has_a_page(name: str) -> None:
    """The documents follow the schema; a page is well-formed, has no script, loads nothing, and has each id once."""
    jsonschema.Draft202012Validator(json.loads(verdict.SCHEMA.read_text())).validate(DOCUMENTS[name])
    html = page.render(DOCUMENTS[name])
    parsed = Page(html)
    assert html == page.render(json.loads(json.dumps(DOCUMENTS[name])))
    assert not {"script", "img", "iframe", "object", "link"} & {*parsed.tags}
    assert [row for row in parsed.attributes if row[1] == "src" or row[1].startswith("on")] == []
    assert not re.search(r"@import|url\(", html)
    assert len(parsed.ids) == len({*parsed.ids})
    targets = {value[1:] for _, attribute, value in parsed.attributes if attribute == "href" and value[0] == "#"}
    assert targets <= {*parsed.ids}


@pytest.mark.parametrize("name", list(DOCUMENTS))
def test_every_picture_can_be_read_aloud(name: str) -> None:
    """An SVG is well-formed XML with the role of an image, a title and a description, which it names by their ids."""
    for text in re.findall(r"<svg.*?</svg>", page.render(DOCUMENTS[name]), re.DOTALL):
        picture = ET.fromstring(text)  # noqa: S314 - our own page
        title, description = (picture.find(f"{{*}}{tag}") for tag in ("title", "desc"))
        assert picture.get("role") == "img"
        assert title is not None
        assert title.text
        assert description is not None
        assert description.text
        assert picture.get("aria-labelledby") == f"{title.get('id')} {description.get('id')}"


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        ("passed", ["Yes", "2 of 2 MUST", "v0.28.4", "ab" * 32, "6.18.44", "iptables", NO_POLICIES, "P01, P02"]),
        ("policy", ["No", "Traffic that policies deny gets through.", verdicts.REASON, "A policy isolates the pods"]),
        ("datapath", ["No", "Applications cannot open connections.", "38.1 s", "1350", "after a restart"]),
        ("inconclusive", ["Not known", "the server of x/a is dead"]),
        ("partial", ["Not known", "The run ended early"]),
        ("no cluster", ["No", "flanneld does not become ready."]),
        ("crash", ["Not known", "the worker ended"]),
    ],
)
def test_the_page_answers_whether_to_ship(name: str, texts: list[str]) -> None:
    """The answer, its reasons, what was certified, and the command that runs it again are on the page."""
    text = " ".join(Page(page.render(DOCUMENTS[name])).text.split())
    assert [each for each in [*texts, "./noxw -s certify -- --seed 7"] if each not in text] == []


def test_what_decides_comes_first() -> None:
    """A failed MUST comes before a failed SHOULD, and that before what was not decided."""
    rows = [
        requirement("D01", [case("inconclusive")]),
        requirement("D02", [case("failed")], level="SHOULD"),
        requirement("P02", [case("failed")]),
    ]
    assert [failure.id for failure in failures.of(document("failed", *rows))] == ["P02", "D02", "D01"]


def test_hostile_texts_are_shown_as_text() -> None:
    """Names of pods, messages, policies and links cannot add elements or scripts."""
    fact = json.loads(json.dumps(verdicts.wrong(ends=(HOSTILE, "x/b", "y/a"))))
    fact["policies"][0]["manifest"] = {"metadata": {"name": HOSTILE}}
    fact["cells"][0]["reasons"][0]["text"] = fact["clauses"][0]["sentence"] = HOSTILE
    fact["clauses"][0]["link"] = "javascript:alert(1)"
    fault = FAULT | {"sentence": HOSTILE, "marks": [[1.0, HOSTILE]]}
    failed = requirement("P02", [case("failed", HOSTILE, wrong=fact, fault=fault)])
    hostile = failed | {"sentence": HOSTILE, "area": HOSTILE, "link": "javascript:alert(2)"}
    parsed = Page(page.render(document("failed", hostile) | {"cni": HOSTILE, "again": {"run": HOSTILE}}))
    assert not {"script", "img"} & {*parsed.tags}
    assert [row for row in parsed.attributes if "javascript" in row[2]] == []
    assert HOSTILE in parsed.text


def test_large_runs_have_pages_of_bounded_size() -> None:
    """5,000 cases with long messages, most of them wrong: at most 5 MB, rendered within seconds."""
    fact = verdicts.wrong(("+" * 20,) * 20, ("-" * 20,) * 20, ends=[f"x/pod-{n}" for n in range(20)])
    fact["cells"] = fact["cells"][:60]
    rows = [
        requirement(
            f"P{n:03}", [case("failed", "timeout " * 2000, m, wrong=fact) for m in range(10)], area=f"area {n % 9}"
        )
        for n in range(500)
    ]
    begun = time.process_time()
    html = page.render(document("failed", *rows))
    assert time.process_time() - begun < 20
    assert len(html.encode()) < 5_000_000
    assert "more characters, in verdict.json" in html


def test_a_page_is_rendered_again_from_the_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`python -m reports.report FOLDER` writes the same bytes; a folder without verdict.json is named."""
    verdict.write(tmp_path / "verdict.json", DOCUMENTS["policy"])
    assert page.write_or_reason(tmp_path) == str(tmp_path / "report.html")
    before = (tmp_path / "report.html").read_bytes()
    assert command.main([str(tmp_path)]) == 0
    assert (tmp_path / "report.html").read_bytes() == before
    assert command.main([str(tmp_path / "empty")]) == 4
    assert str(tmp_path / "empty" / "verdict.json") in capsys.readouterr().err
    assert "no report.html: NoVerdictError" in page.write_or_reason(tmp_path / "empty")
