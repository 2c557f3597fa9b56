"""conformance-report.yaml: the requirements of NetworkPolicy in the form of a ConformanceReport.

The form is that of conformance/apis/v1alpha1 in kubernetes-sigs/network-policy-api. That project's profiles are about
its own APIs, and netproof tests networking.k8s.io/v1 NetworkPolicy, so the report states that in every field that
allows text. Its one profile has the MUSTs as the level `standard`, and no level `experimental`: a SHOULD is no feature
that has yet to graduate. What was not decided is skipped, not failed, so that the result is `partial`: that claims no
conformance and accuses nobody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from reports import left_out
from reports.outcome import DECIDED, Verdict
from reports.report import certified
from reports.report.texts import plural

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

AREA = "network policy"  # of the requirements that the report is about
ABOUT = (
    "Written by netproof from its verdict.json. The tests are netproof's requirements of networking.k8s.io/v1"
    " NetworkPolicy, not the conformance tests of network-policy-api, and no API of network-policy-api was tested."
)
UNKNOWN = "unknown to netproof"


def render(document: Mapping[str, Any]) -> str:
    """Return conformance-report.yaml for a verdict.json; "" if no MUST of NetworkPolicy was decided."""
    rows = [row for row in document["requirements"] if row["area"] == AREA]
    must = [row for row in rows if row["level"] == "MUST"]
    if not any(row["verdict"] in DECIDED for row in must):
        return ""
    report = {
        "apiVersion": "policy.networking.k8s.io/v1alpha1",
        "kind": "ConformanceReport",
        "date": document["started"],
        "networkPolicyV2APIVersion": "none was tested",
        "implementation": _implementation(document),
        "profiles": [{"name": "NetworkPolicy (networking.k8s.io/v1)", "standard": _status(document, rows, must)}],
    }
    return yaml.safe_dump(report, sort_keys=False, allow_unicode=True, width=120)


def _implementation(document: Mapping[str, Any]) -> dict[str, Any]:
    tested = [program for program in certified.of(document).programs if program.is_tested]
    return {
        "organization": UNKNOWN,
        "project": document["cni"],
        "url": UNKNOWN,
        "version": ", ".join(f"{program.name} {program.version}" for program in tested) or UNKNOWN,
        "contact": [],
        "additionalInformation": ABOUT,
    }


def _status(
    document: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], must: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    failed = [row["id"] for row in must if row["verdict"] == Verdict.FAILED]
    skipped = [row["id"] for row in must if row["verdict"] not in DECIDED]
    missing = [*left_out.sentences(document)]
    return {
        "result": "failure" if failed else "partial" if skipped or missing else "success",
        "summary": " ".join([*_sentences(rows, must), *missing]),
        "statistics": {
            "Failed": len(failed),
            "Passed": len(must) - len(failed) - len(skipped),
            "Skipped": len(skipped),
        },
        **({"skippedTests": skipped} if skipped else {}),
        **({"failedTests": failed} if failed else {}),
    }


def _sentences(rows: Sequence[Mapping[str, Any]], must: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    held = sum(row["verdict"] == Verdict.PASSED for row in must)
    yield f"{held} of {plural(len(must), 'MUST requirement')} of NetworkPolicy hold."
    for verdict in (Verdict.INCONCLUSIVE, Verdict.ERROR, Verdict.UNDEFINED):
        if ids := [row["id"] for row in must if row["verdict"] == verdict]:
            yield f"Not decided ({verdict}): {', '.join(ids)}."
    if ids := [row["id"] for row in rows if row["level"] != "MUST" and row["verdict"] == Verdict.FAILED]:
        yield f"Recommendations (SHOULD, MAY) that do not hold: {', '.join(ids)}."
