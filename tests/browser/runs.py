"""verdict.json of runs as certify, chaos, motion and perf leave them: every requirement, and facts with real policies.

The flows are those of the fake engine, which answers as the oracle decides about a state with a mistake in it.
"""

from __future__ import annotations

import itertools
from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec

from fixtures.cnis import catalogue as cnis
from fixtures.cnis import claims as claims_of
from fixtures.faults import catalogue
from fixtures.workspaces import fake
from fixtures.workspaces.fake import PROFILE, FakeWorkspace
from fixtures.workspaces.judge import Judge
from fixtures.workspaces.probing import describe
from fixtures.workspaces.runner import run_case
from policies import cases, requirements
from policies.families import Family
from policies.oracle import Path, Query
from reports import baseline, claims, generated_fact, unfinished, wrong_fact
from reports.comparison import page as comparison
from reports.comparison.sides import Side
from reports.journal import Written
from reports.outcome import Verdict
from reports.record import Record
from reports.report import motion, page
from reports.report.recovery import UNTIL_RIGHT
from suites.support import generated_states, wrong_flows
from tests.support import speeds, verdicts
from tests.support.compared_runs import changed, fault, run, without_tunnel
from tests.support.verdicts import case, document

if TYPE_CHECKING:
    from collections.abc import Collection

    from reports.comparison.page import Compared

    Cases = dict[str, list[dict[str, Any]]]

JUDGE = Judge((Query("tcp", 80), Query("tcp", 81), Query("tcp", 80, Path.SERVICE)), PROFILE, agree=1, patience=0.1)
ENGINE = "flannel:vxlan+reference"
NOT_ENFORCED = ("deny-all-ingress", "peer-and")  # cases of the corpus
FAULTS = ("F01", "F02", "F05", "F10", "F20")
UNSUPPORTED = {
    "D10": "the cluster has one address family, and the case needs both",
    "D25": "the lab has no external host on this machine",
}
LOST = (
    "2 of 30 flows are wrong:\nnetproof-x/a-node1 → netproof-x/a-node2 (tcp 10.244.2.2:80): "
    "expected connected to netproof-x/a-node2, observed timeout   <-- timeout"
)


def no_policies(case_id: str) -> dict[str, Any]:
    """Return a case of the corpus that failed on an engine that enforces no policy."""
    policy_case = {each.id: each for each in cases.corpus()}[case_id]
    result = run_case(FakeWorkspace(fake.bed(), mistake=lambda world: world.with_policies()), policy_case, JUDGE)[-1]
    assert result.found, f"{case_id} notices nothing"
    facts: dict[str, Any] = {wrong_fact.FACT: wrong_flows.of_state(result, PROFILE)}
    failed = case("failed", f"{policy_case.title}\n{describe(result, PROFILE)}", **facts)
    return failed | {
        "case": f"suites/networkpolicy/test_corpus.py::test_case[{case_id}-ipv4]",
        "title": policy_case.title,
        "evidence": [f"evidence/{case_id}/{name}" for name in ("about.txt", "path.txt", "matrix.html")],
    }


def of_requirements(found: Cases, areas: Collection[str], **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Return a verdict.json with every requirement of some areas: passed, but for those whose cases are given.

    Args:
        found: the cases of some requirements, of these areas and of others.
        areas: the areas.
        more: other top-level fields.
    """
    rows = []
    for identity, row in requirements.load().items():
        if row.area in areas or identity in found:
            own = [each | {"case": f"{each['case']}-{identity}"} for each in found.get(identity, [case("passed")])]
            words = {name: getattr(row, name) for name in ("id", "level", "area", "sentence", "link", "consequence")}
            rows.append({**words, "verdict": own[0]["verdict"], "cases": own})
    failed = any(row["verdict"] == "failed" and row["level"] == "MUST" for row in rows)
    return document("failed" if failed else "passed", *rows, **more)


@cache
def policy() -> dict[str, Any]:
    """Return a certify of an engine that misses two kinds of policies, on a network with other troubles."""
    found: Cases = {identity: [case("unsupported", reason)] for identity, reason in UNSUPPORTED.items()}
    corpus = {each.id: each for each in cases.corpus()}
    for case_id in NOT_ENFORCED:
        failed = no_policies(case_id)
        for identity in corpus[case_id].requirements[:2]:
            found.setdefault(identity, [failed])
    found["N01"] = [case("failed", "a pod with the address of a deleted pod did not answer for 21.4 s")]
    found["D66"] = [case("inconclusive", "the server of netproof-x/a-node1 is dead")]
    found["D02"] = [case("passed", reachable_seconds=0.34, ready_seconds=0.2)]
    histories = [tuple(step.world(each.base) for step in each.steps) for each in corpus.values()]
    drawn = generated_states.fact(histories, Family.IPV4, (24, 9_120))
    facts: dict[str, Any] = {generated_fact.FACT: drawn, UNTIL_RIGHT: [0.2, 0.8, 0.4, 0.3, 1.1]}
    found["P01"] = [case("passed", **facts)]
    known = [_known("N01", "fails"), _known("D02", "passes")]
    return of_requirements(found, ["datapath", "services", "egress", "network policy"], cni=ENGINE, known=known)


def _known(identity: str, status: str) -> dict[str, Any]:
    """Return a finding about a known divergence: it fails as known, or passes although it is known to fail."""
    return {
        "requirement": identity,
        "status": status,
        "sentence": f"{identity} {status}, and known.yaml lists it.",
        "reason": "Neighbours keep the MAC address of the deleted pod.",
        "link": "https://github.com/containernetworking/plugins",
        "expires": "2027-01-01",
        "file": "fixtures/cnis/flannel/known.yaml",
    }


def _fault(identity: str, number: int) -> dict[str, Any]:
    """Return the fact of a fault, with flows: some heal without help, one only after a restart, one never."""
    seconds = (34.96, 0.42, 9.62, 61.2, 1.3)[number % 5]
    if number % 5 in (0, 3):
        traffic = "after a restart of the agent"
        marks = [(seconds - 1.9, "agent restarted"), (seconds, "traffic is back")]
    else:
        traffic, marks = f"without intervention within {seconds:.2f} s", [(seconds, "traffic is back")]
    row = fault(traffic, seconds, seconds, marks)
    pods = [f"netproof-x/{letter}-node{node}" for letter in "ab" for node in (1, 2)]
    flows = [
        {"kind": kind, "client": client, "server": server, "longest": seconds, "outages": [[0.1, seconds - 0.1]]}
        for kind in ("udp", "tcp", "connect")
        for client, server in itertools.pairwise(pods)
    ]
    sentence = catalogue.load()[identity].sentence
    return row | {"id": identity, "sentence": sentence, "flows": flows, "marks": [[*mark] for mark in marks]}


@cache
def chaos() -> dict[str, Any]:
    """Return a run of chaos and motion: faults with timelines, windows of changes, fates of connections."""
    found: Cases = {}
    for number, identity in enumerate(FAULTS):
        verdict_of_fault = "failed" if number == 3 else "passed"
        message = "traffic is right after a restart of the agent; recovery.yaml says: without intervention"
        found[identity] = [
            case(verdict_of_fault, message if number == 3 else "", 1000 + number, fault=_fault(identity, number))
        ]
    kinds = ("policy created", "policy edited", "policy deleted", "pod labels changed", "namespace labels changed")
    windows = [
        {
            "kind": kind,
            "direction": direction,
            "windows": 30,
            "p50": 12 + 9 * number,
            "p95": 40 + 20 * number,
            "p99": None,
            "longest": 60 + 31 * number,
            "each": [number, 12 + 9 * number, 60 + 31 * number],
            "resolution": 14,
            "too short to measure": 9,
            "not over": number // 4 * 2,
        }
        for number, (kind, direction) in enumerate((k, d) for k in kinds for d in ("opens", "closes"))
    ]
    fates = {"tcp, policy edited: kept": 5, "udp, policy edited: ended": 3}
    facts: dict[str, Any] = {motion.WINDOWS: windows, motion.CONNECTIONS: fates}
    found["T01"] = [case("passed", **facts)]
    found["D66"] = [case("passed", reachable_seconds=0.34, ready_seconds=0.2)]
    changes: dict[str, Any] = {UNTIL_RIGHT: [0.2, 0.8, 0.4, 0.3, 1.1, 0.2, 0.2]}
    found["P01"] = [case("passed", **changes)]
    return of_requirements(found, ["chaos"], cni=ENGINE)


@cache
def killed() -> dict[str, Any]:
    """Return a run that was killed when it had checked a part of the datapath, and found a failure."""
    found: Cases = {"D02": [case("failed", LOST, wrong=lost())]}
    result = of_requirements(found, ["datapath"])
    *ended, last = result["requirements"][:9]
    cases_of = {row["cases"][0]["case"]: [row["id"]] for row in result["requirements"]}
    records = [Record(row["cases"][0]["case"], row["sentence"], (row["id"],), Verdict.PASSED, 0.5) for row in ended]
    written = Written(cases=cases_of, begun=[each.case for each in records] + [last["cases"][0]["case"]])
    written.records += records
    stopped = document("error", *ended, partial=True)
    return stopped | {unfinished.FACT: unfinished.progress(written, stopped["cni"])}


def lost() -> dict[str, Any]:
    """Return the fact of flows that are lost between two of three nodes."""
    ends = [f"netproof-x/{letter}-node{node}" for node in (1, 2, 3) for letter in "ab"]
    expected = ["+" * len(ends)] * len(ends)
    observed = [
        "".join("-" if {row // 2, column // 2} == {0, 1} else "+" for column in range(len(ends)))
        for row in range(len(ends))
    ]
    fact = verdicts.wrong(expected, observed, ends=ends, policies=False)
    for number, end in enumerate(ends):
        fact["ends"][end]["node"] = f"node{number // 2 + 1}"
    return fact


@cache
def passed() -> dict[str, Any]:
    """Return a run in which all holds that was tried."""
    no_policies = "flannel:vxlan does not offer network-policy"
    found: Cases = {
        identity: [case("unsupported", no_policies)]
        for identity, row in requirements.load().items()
        if row.area == "network policy"
    }
    return of_requirements(found, ["datapath", "services", "egress"])


@cache
def speed() -> dict[str, Any]:
    """Return a run of perf: four paths with figures, one of them measured on a busy machine."""
    return speeds.run(*speeds.four(rounds=(1.0, 0.98, 1.02, 0.97, 1.01, 1.03)), late=(0.0, 0.0, 0.12, 0.0))


def two() -> Compared:
    """Compare a tunnel with routes, one of which newly fails a requirement, against a baseline."""
    before, after = run(), changed(without_tunnel(), D01="failed")
    sides = [Side("20260101T000000Z-vxlan", (before,)), Side("20260102T000000Z-host-gw", (after,))]
    return comparison.compare(sides, (), baseline.compare("baseline.json", before, after))


def three() -> Compared:
    """Compare three plugins, and one that has no verdict."""
    sides = [
        Side("vxlan", (run(),)),
        Side("host-gw", (without_tunnel(),)),
        Side("udp-over-a-long-name-of-a-row", (changed(run(cni="flannel:udp"), D01="inconclusive", D66="failed"),)),
    ]
    return comparison.compare(sides, ("wireguard: the kernel has no module wireguard",))


REPORTS = (policy, chaos, killed, passed, speed)
COMPARISONS = (two, three)
CLAIMS = "claims"
PAGES = [CLAIMS, *(each.__name__ for each in (*REPORTS, *COMPARISONS))]


@cache
def pages() -> dict[str, str]:
    """Return every page of ours that a browser opens, by its name."""
    rows = [msgspec.structs.asdict(row) for row in claims_of.load(cnis.FOLDER / "flannel")]
    return (
        {CLAIMS: claims.page(claims.answer(rows, policy()))}
        | {each.__name__: page.render(each()) for each in REPORTS}
        | {each.__name__: comparison.render(each()) for each in COMPARISONS}
    )
