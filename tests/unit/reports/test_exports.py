"""Files for other programs: what they state, and that the programs concerned can read them."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from reports import stored, verdict
from reports.exports import __main__ as command
from reports.exports import conformance, files, junit, metrics
from tests.support.verdicts import FAULT, case, document, requirement

if TYPE_CHECKING:
    from pathlib import Path

SELF = {"state": "without intervention within 34.58 s"}
CHANGES: dict[str, Any] = {"seconds until right": [0.2, 0.8, 0.4]}
MIXED = document(
    "failed",
    requirement("D01", [case("passed", number=1, reachable_seconds=0.34, ready_seconds=0.2)]),
    requirement("D02", [case("inconclusive", "a server is dead"), case("passed", number=3)]),
    requirement("D04", [case("failed", "too slow\n9 of 9", number=4)], level="SHOULD"),
    requirement("F01", [case("passed", number=5, fault=FAULT | SELF)], area="chaos"),
    requirement("P01", [case("passed", number=6, **CHANGES)], area="network policy"),
    requirement("P02", [case("failed", "1 of 9 flows are wrong", number=7)], area="network policy"),
    requirement("P03", [case("unsupported", "needs dual", number=8)], area="network policy"),
    requirement("P04", [case("error", "KeyError: 'eth0'", number=9)], area="network policy", level="MAY"),
)


def suites(text: str) -> dict[str, ET.Element]:
    """Return the suites of a junit.xml by name, after a check that all counts are right and no test is there twice."""
    root = ET.fromstring(text)  # noqa: S314 - our own file
    tests = [*root.iter("testcase")]
    assert len({(test.get("classname"), test.get("name")) for test in tests}) == len(tests)
    for element in (root, *root.iter("testsuite")):
        assert int(element.get("tests", "")) == len([*element.iter("testcase")])
        for attribute, tag in junit.COUNTED.items():
            assert int(element.get(attribute, "")) == len([*element.iter(tag)])
    return {suite.get("name", ""): suite for suite in root.iter("testsuite")}


def test_junit_has_a_suite_per_area_and_a_test_per_case() -> None:
    """Product failures are failures, failures of ours and undecided cases are errors, unsupported ones are skipped."""
    found = suites(junit.render(MIXED))
    assert [*found] == ["netproof", "chaos", "datapath", "network policy"]
    datapath = found["datapath"]
    names = [(test.get("classname"), test.get("name")) for test in datapath.iter("testcase")]
    assert names[0] == ("datapath.D01", "suites/x.py::test_1")
    kinds = {
        test.get("classname"): [(result.tag, result.get("type"), result.get("message")) for result in test]
        for suite in found.values()
        for test in suite.iter("testcase")
        if len(test)
    }
    assert kinds == {
        "netproof": [
            ("failure", "failed", "flannel:vxlan is not certified: a MUST requirement does not hold."),
        ],
        "datapath.D02": [("error", "inconclusive", "a server is dead")],
        "datapath.D04": [("failure", "failed", "too slow")],
        "network policy.P02": [("failure", "failed", "1 of 9 flows are wrong")],
        "network policy.P03": [("skipped", "unsupported", "needs dual")],
        "network policy.P04": [("error", "error", "KeyError: 'eth0'")],
    }
    properties = {row.get("name"): row.get("value") for row in datapath.iter("property")}
    assert properties.items() >= {
        ("cni", "flannel:vxlan"),
        ("kernel", "6.18.44"),
        ("program flanneld", f"v0.28.4 sha256:{'ab' * 32}"),
    }


@pytest.mark.parametrize(
    ("run", "counts"),
    [
        (document("passed", requirement("D01", [case("passed")])), (0, 0)),
        (document("inconclusive", requirement("D01", [case("unsupported")])), (0, 1)),
        (document("failed", reason="flanneld does not become ready."), (1, 0)),
        (document("error", requirement("D01", [case("passed")]), partial=True), (0, 1)),
        (document("error", cases_without_requirement=[case("error", "the worker ended")]), (0, 2)),
    ],
    ids=["passed", "nothing tested", "no cluster", "partial", "crash"],
)
def test_junit_fails_if_the_run_does(run: dict[str, Any], counts: tuple[int, int]) -> None:
    """A CI system that reads nothing else sees a run that tested nothing, had no cluster, or ended early."""
    root = ET.fromstring(junit.render(run))  # noqa: S314 - our own file
    assert (int(root.get("failures", "")), int(root.get("errors", ""))) == counts


def test_a_case_with_several_records_is_one_test() -> None:
    """A failed teardown after a case that passed is an error."""
    row = requirement("D01", [case("passed"), case("error", "the teardown failed")])
    test = suites(junit.render(document("error", row)))["datapath"].find("testcase")
    assert test is not None
    assert [(result.tag, result.get("message")) for result in test] == [("error", "the teardown failed")]
    assert test.get("time") == "1.000"


@given(st.text())
def test_any_message_can_be_read_by_all_parsers(text: str) -> None:
    """Control characters, quotes and half characters change neither the structure nor the escaping of a file."""
    row = requirement("P01", [case("failed", text)], area="network policy") | {"id": text, "area": text}
    run = document("failed", row) | {"cni": text}
    suites(junit.render(run))
    (info,) = parsed(metrics.render(run))["netproof_requirement"]
    assert info[0]["id"] == text.encode("utf-8", "replace").decode()
    policy = document("failed", requirement("P01", [case("failed", text)], area="network policy")) | {"cni": text}
    report = yaml.safe_load(conformance.render(policy))
    assert report["profiles"][0]["standard"]["failedTests"] == ["P01"]


def profile(*rows: dict[str, Any], **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Return the level `standard` of the report of a run."""
    report = yaml.safe_load(conformance.render(document("passed", *rows, **more)))
    assert (report["kind"], report["networkPolicyV2APIVersion"]) == ("ConformanceReport", "none was tested")
    assert "not the conformance tests of network-policy-api" in report["implementation"]["additionalInformation"]
    assert report["implementation"]["version"] == "flanneld v0.28.4"
    (only,) = report["profiles"]
    status: dict[str, Any] = only["standard"]
    return status


def policy(identity: str, verdict: str, level: str = "MUST") -> dict[str, Any]:
    """Return a requirement of NetworkPolicy."""
    return requirement(identity, [case(verdict)], area="network policy", level=level)


def test_a_conformance_report_claims_no_more_than_was_tested() -> None:
    """Success needs every MUST, in a run that left out nothing; what was not decided is skipped, not failed."""
    passed, failed, late = policy("P01", "passed"), policy("P02", "failed"), policy("P03", "inconclusive")
    assert profile(passed)["result"] == "success"
    assert profile(passed, requirement("D02", [case("failed")]))["result"] == "success"
    assert profile(passed, policy("N05", "failed", "SHOULD"))["result"] == "success"
    assert "(SHOULD, MAY) that do not hold: N05." in profile(passed, policy("N05", "failed", "SHOULD"))["summary"]
    for more in ({"narrowed_by": ["--only"]}, {"session": "replay"}, {"partial": True}):
        assert profile(passed, **more)["result"] == "partial"
    undecided = profile(passed, late)
    assert (undecided["result"], undecided["skippedTests"]) == ("partial", ["P03"])
    assert "Not decided (inconclusive): P03." in undecided["summary"]
    refuted = profile(passed, failed, late)
    assert (refuted["result"], refuted["failedTests"]) == ("failure", ["P02"])
    assert refuted["statistics"] == {"Passed": 1, "Failed": 1, "Skipped": 1}


def test_a_plugin_without_network_policies_has_no_conformance_report() -> None:
    """Nothing was decided, so there is nothing to report."""
    assert conformance.render(document("passed", policy("P01", "unsupported"))) == ""
    assert conformance.render(document("failed", reason="flanneld does not become ready.")) == ""


def parsed(text: str) -> dict[str, list[tuple[dict[str, str], float]]]:
    """Return the samples of an OpenMetrics text by name, as the reference parser reads them."""
    assert text.endswith("# EOF\n")
    found: dict[str, list[tuple[dict[str, str], float]]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, []).append((sample.labels, sample.value))
    for samples in found.values():
        assert len({tuple(sorted(labels.items())) for labels, _ in samples}) == len(samples)
    return found


def test_metrics_have_verdicts_windows_and_repairs() -> None:
    """The reference parser reads them, and every value is that of verdict.json."""
    found = parsed(metrics.render(MIXED))
    assert found["netproof_run_info"][0][0].items() >= {("cni", "flannel:vxlan"), ("kernel", "6.18.44")}
    assert found["netproof_run_exit_code"] == [({}, 1)]
    assert found["netproof_run_start_timestamp_seconds"] == [({}, 1767225600)]
    failed = {labels["id"] for labels, _ in found["netproof_requirement"] if labels["verdict"] == "failed"}
    assert failed == {"D04", "P02"}
    counts = {tuple(labels.values()): value for labels, value in found["netproof_requirements"]}
    assert counts["network policy", "MUST", "failed"] == 1
    assert counts["chaos", "SHOULD", "failed"] == 0
    assert found["netproof_fault_outage_seconds"] == [({"fault": "F01"}, 38.084)]
    repairs = {(labels["of"], labels["by"]): value for labels, value in found["netproof_fault_repair_seconds"]}
    assert repairs == {("traffic", "after a restart of the agent"): 34.96, ("state", "without intervention"): 34.58}
    windows = {labels["window"]: value for labels, value in found["netproof_window_seconds"]}
    assert windows == {"ready": 0.2, "reachable": 0.34}
    changes = {labels["statistic"]: value for labels, value in found["netproof_policy_change_seconds"]}
    assert changes == {"median": 0.4, "max": 0.8}


def test_no_sample_is_written_twice() -> None:
    """A fault that was injected on two address families has one sample, the larger one: Prometheus refuses two."""
    shorter = FAULT | {"longest_gap": 1.0, "traffic_seconds": 0.0}
    rows = [requirement("F01", [case("passed", number=1, fault=FAULT), case("passed", number=2, fault=shorter)])]
    assert parsed(metrics.render(document("passed", *rows)))["netproof_fault_outage_seconds"] == [
        ({"fault": "F01"}, 38.084)
    ]


def test_the_files_are_written_again_from_the_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`python -m reports.exports FOLDER` writes the same bytes; a folder without verdict.json is named."""
    verdict.write(tmp_path / "verdict.json", MIXED)
    assert files.write_or_reason(tmp_path) == ""
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert before.keys() == {*files.FILES, "verdict.json"}
    assert command.main([str(tmp_path)]) == 0
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert command.main([str(tmp_path / "empty")]) == command.main([]) == 4
    assert str(tmp_path / "empty" / stored.NAME) in capsys.readouterr().err
    assert "without junit.xml" in files.write_or_reason(tmp_path / "empty")


def test_a_report_of_an_earlier_verdict_does_not_stay(tmp_path: Path) -> None:
    """A file that the run has no content for is deleted."""
    verdict.write(tmp_path / "verdict.json", MIXED)
    files.write(tmp_path)
    verdict.write(tmp_path / "verdict.json", document("passed", requirement("D01", [case("passed")])))
    files.write(tmp_path)
    assert not (tmp_path / "conformance-report.yaml").exists()
