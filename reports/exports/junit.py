"""junit.xml: the cases of a run in the format of JUnit, which CI systems show.

A suite is an area, a test case is a case of a requirement, so that a case of two requirements is listed twice. JUnit
knows no levels: a SHOULD that does not hold is a failure, too. The suite `netproof` has one test case for the verdict
of the run, which fails exactly if the exit code of the run is not 0.

The standard library writes it: the format is four elements, and libraries for it check as little as this module.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from reports import outcome
from reports.outcome import Verdict
from reports.report import certified

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

RUN = "netproof"  # the suite of the run itself
WITHOUT_REQUIREMENT = "no requirement"
# Verdict → the element that JUnit has for it; none for one that passed.
ELEMENTS = {
    Verdict.FAILED: "failure",
    Verdict.ERROR: "error",
    Verdict.INCONCLUSIVE: "error",
    Verdict.UNSUPPORTED: "skipped",
    Verdict.UNDEFINED: "skipped",
}
COUNTED = {"failures": "failure", "errors": "error", "skipped": "skipped"}  # attribute → the elements that it counts
NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # what XML 1.0 cannot contain


@dataclass(frozen=True)
class Test:
    """A test case.

    Attributes:
        group: its classname: the area and the id of the requirement.
        name: the id of the case.
        seconds: its duration.
        verdict: its verdict.
        message: the reason if it did not pass.
        about: sentences about it, above the message.
    """

    group: str
    name: str
    seconds: float
    verdict: Verdict
    message: str
    about: str = ""


def render(document: Mapping[str, Any]) -> str:
    """Return junit.xml for a verdict.json; equal documents have equal texts."""
    root = ET.Element("testsuites", name="netproof")
    properties = dict(_properties(document))
    every: list[Test] = []
    for name, tests in _suites(document):
        root.append(_suite(name, tests, properties, document["started"].removesuffix("Z")))
        every += tests
    _count(root, every, document["seconds"])
    ET.indent(root, " ")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _suites(document: Mapping[str, Any]) -> Iterator[tuple[str, list[Test]]]:
    yield RUN, [_run(document)]
    rows = sorted(document["requirements"], key=itemgetter("area", "id"))
    for area, group in groupby(rows, itemgetter("area")):
        yield area, [test for row in group for test in _tests(row["cases"], f"{area}.{row['id']}", _about(row))]
    if cases := document.get("cases_without_requirement"):
        yield WITHOUT_REQUIREMENT, _tests(cases, WITHOUT_REQUIREMENT, "")


def _run(document: Mapping[str, Any]) -> Test:
    """Return the test case of the run; its verdict is an error if the plugin could not be judged."""
    verdict = Verdict(document["verdict"])
    sentence = document.get("reason") or outcome.CLOSING[verdict].format(cni=document["cni"])
    partial = "The run ended early: cases are missing.\n" if document.get("partial") else ""
    seen = verdict if outcome.EXIT_CODES[verdict] else Verdict.PASSED
    return Test(RUN, "verdict", document["seconds"], seen, f"{partial}{sentence}")


def _about(row: Mapping[str, Any]) -> str:
    return f"{row['id']} {row['level']}: {row['sentence']}\n{row['link']}"


def _tests(cases: Iterable[Mapping[str, Any]], group: str, about: str) -> list[Test]:
    """Return a test case per case; a case with several records, as after a failed teardown, has the worst verdict."""
    tests = []
    for name, same in groupby(sorted(cases, key=itemgetter("case")), itemgetter("case")):
        records = [*same]
        verdict = outcome.worst(Verdict(record["verdict"]) for record in records)
        message = "\n".join(record["message"] for record in records if record["verdict"] == verdict)
        tests.append(Test(group, name, sum(record["seconds"] for record in records), verdict, message, about))
    return tests


def _properties(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    cluster = document["cluster"]
    yield "cni", document["cni"]
    for name in ("provider", "kubernetes", "kernel", "proxy_mode", "nodes"):
        if name in cluster:
            yield name, str(cluster[name])
    yield "seed", str(document["seed"])
    for program in certified.of(document).programs:
        if program.is_tested:
            yield f"program {program.name}", f"{program.version} sha256:{program.sha256}"


def _suite(name: str, tests: Sequence[Test], properties: Mapping[str, str], started: str) -> ET.Element:
    suite = ET.Element("testsuite", name=_text(name), timestamp=_text(started))
    _count(suite, tests, sum(test.seconds for test in tests))
    listed = ET.SubElement(suite, "properties")
    for key, value in properties.items():
        ET.SubElement(listed, "property", name=_text(key), value=_text(value))
    suite.extend(_case(test) for test in tests)
    return suite


def _case(test: Test) -> ET.Element:
    case = ET.Element("testcase", classname=_text(test.group), name=_text(test.name), time=f"{test.seconds:.3f}")
    if kind := ELEMENTS.get(test.verdict):
        lines = test.message.strip().splitlines() or [f"{test.verdict}, without a reason"]
        result = ET.SubElement(case, kind, type=test.verdict, message=_text(lines[0]))
        result.text = _text("\n\n".join(filter(None, [test.about, test.message])))
    return case


def _count(element: ET.Element, tests: Sequence[Test], seconds: float) -> None:
    kinds = [ELEMENTS.get(test.verdict) for test in tests]
    element.set("tests", str(len(tests)))
    for attribute, kind in COUNTED.items():
        element.set(attribute, str(kinds.count(kind)))
    element.set("time", f"{seconds:.3f}")


def _text(text: str) -> str:
    """Return a text without the characters that XML cannot contain, such as those that colour a terminal."""
    return NO_XML.sub(lambda found: f"\\x{ord(found[0]):02x}", text)
