"""The content of verdict.json files that tests of reports make."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from reports import outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

ENDS = ("x/a", "x/b", "y/a")
REASON = "x/deny isolates x/a for ingress and has no ingress rule"

FAULT = {
    "id": "F01",
    "sentence": "The route to one peer's pods is deleted.",
    "longest_gap": 38.084,
    "lost_datagrams": 1350,
    "broken_connections": 0,
    "traffic": "after a restart of the agent",
    "traffic_seconds": 34.96,
    "state": "after a restart of the agent",
    "state_seconds": 34.58,
    "harm": [],
    "unseen": False,
    "marks": [[33.03, "agent restarted"], [34.96, "traffic is back"]],
    "left": [],
    "crashes": [],
    "flows": [{"kind": "udp", "client": "x/a", "server": "x/b", "longest": 38.084, "outages": [[0.1, 38.084]]}],
}


def case(verdict: str, message: str = "", number: int = 0, **facts: object) -> dict[str, Any]:
    """Return a case with that verdict."""
    name, title = f"suites/x.py::test_{number}", f"Case {number} holds."
    return {"case": name, "title": title, "verdict": verdict, "seconds": 0.5, "message": message, "facts": facts}


def requirement(
    identity: str, cases: Sequence[dict[str, Any]], *, area: str = "datapath", level: str = "MUST", **more: str
) -> dict[str, Any]:
    """Return a requirement whose verdict is that of its first case."""
    return {
        "id": identity,
        "level": level,
        "verdict": cases[0]["verdict"],
        "area": area,
        "sentence": f"What {identity} demands holds.",
        "link": f"https://kubernetes.io/{identity}",
        "cases": [*cases],
        **more,
    }


def document(verdict: str, *requirements: dict[str, Any], **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Return a verdict.json that follows its schema."""
    counts = Counter((row["verdict"], row["level"]) for row in requirements)
    levels = ("MUST", "SHOULD", "MAY")
    cluster = {"provider": "lab", "kubernetes": "v1.36.3", "kernel": "6.18.44", "nodes": 3, "proxy_mode": "iptables"}
    return {
        "schema": 1,
        "verdict": verdict,
        "exit_code": outcome.EXIT_CODES[outcome.Verdict(verdict)],
        "cni": "flannel:vxlan",
        "cluster": {**cluster, "datapath": {"bridge": "cni0", "encapsulation": "vxlan"}},
        "programs": [{"name": "flanneld", "version": "v0.28.4", "sha256": "ab" * 32, "origin": "given"}],
        "seed": 7,
        "started": "2026-01-01T00:00:00Z",
        "seconds": 57.2,
        "counts": {each: {level: counts[each, level] for level in levels} for each in outcome.ORDER},
        "requirements": [*requirements],
        "again": {"run": "./noxw -s certify -- --seed 7", "failed": "./noxw -s certify -- --only P02"},
        **more,
    }


def wrong(
    expected: Sequence[str] = ("+++", "-++", "-++"),
    observed: Sequence[str] = ("+++", "+++", "-++"),
    *,
    ends: Sequence[str] = ENDS,
    policies: bool = True,
) -> dict[str, Any]:
    """Return a fact `wrong` with one matrix; the pods run on nodes n1, n2 and n3."""
    cells = [
        {
            "flow": "TCP/80",
            "source": ends[row],
            "destination": ends[column],
            "target": "tcp 10.244.0.10:80",
            "expected": "denied" if expected[row][column] == "-" else "connected",
            "observed": "timeout" if observed[row][column] == "-" else "connected",
            "why": "got through" if expected[row][column] == "-" else "timeout",
            "reasons": [{"text": REASON, "clauses": [2]}] if policies else [],
        }
        for row in range(len(ends))
        for column in range(len(ends))
        if expected[row][column] != observed[row][column]
    ]
    rule = {"direction": "Ingress", "peers": ["nobody"], "ports": []}
    policy = {"key": "x/deny", "selects": [ends[0]], "rules": [rule], "manifest": {"kind": "NetworkPolicy"}}
    clause = {
        "number": 2,
        "sentence": "A policy isolates the pods that it selects.",
        "link": "https://kubernetes.io/2",
    }
    matrix = {"flow": "TCP/80", "rows": [*ends], "columns": [*ends], "expected": [*expected], "observed": [*observed]}
    return {
        "version": 1,
        "flows": len(ends) ** 2,
        "wrong": len(cells),
        "ends": {end: {"node": f"n{number}", "labels": {"pod": end}} for number, end in enumerate(ends, 1)},
        "matrices": [matrix],
        "matrices_left_out": 0,
        "cells": cells,
        "clauses": [clause] if policies else [],
        "policies": [policy] if policies else [],
    }
