"""Faults and windows: how long traffic was interrupted, and when traffic and state were right again."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reports import stored
from reports.report import plots
from reports.report.texts import plural, seconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

NONE = "–"
# Fact with seconds → what happens within them.
WINDOWS = {
    "ready_seconds": "a new pod is Ready",
    "reachable_seconds": "a new pod is reachable from every node",
    "added_seconds": "every node has the route to a new node's pods",
    "removed_seconds": "no node has a route to a deleted node's pods",
}
UNTIL_RIGHT = "seconds until right"  # the fact of policy cases: for each state, the seconds until all flows were right
FLOWS = "continuous flows"
KNOWN = ("passed", "failed")  # verdicts of cases whose measurements are shown


@dataclass(frozen=True)
class Row:
    """A row of the table: a fault, or a window of time that a case measured.

    Attributes:
        id: id of the fault or the requirement.
        event: what happened.
        interruption: the longest time without an answer.
        lost: number of datagrams without an answer.
        traffic: when and how traffic was right again.
        state: when and how the state of nodes was right again.
        verdict: the verdict of the case.
    """

    id: str
    event: str
    interruption: str
    lost: str
    traffic: str
    state: str
    verdict: str


@dataclass(frozen=True)
class Fault:
    """A fault.

    Attributes:
        row: its row of the table.
        timeline: the outages of its flows; None if they are not known.
    """

    row: Row
    timeline: plots.Plot | None


@dataclass(frozen=True)
class Recovery:
    """All faults and windows of a run.

    Attributes:
        faults: by id.
        windows: rows about windows.
        repairs: how long traffic and state took to be right again after each fault; None without faults.
        changes: the times until policies and labels were in effect; None without policy cases.
    """

    faults: tuple[Fault, ...]
    windows: tuple[Row, ...]
    repairs: plots.Plot | None
    changes: plots.Plot | None


def of(document: Mapping[str, Any]) -> Recovery:
    """Return the faults and windows of a verdict.json; a case that several requirements list counts once."""
    ordered = stored.cases(document)
    injected = [case for _, case in ordered if "fault" in case["facts"]]
    facts = [case["facts"]["fault"] for case in injected]
    faults = tuple(Fault(_fault_row(case), plots.timeline(case["facts"]["fault"])) for case in injected)
    measured = [(identity, case) for identity, case in ordered if case["verdict"] in KNOWN]
    changes = tuple(value for _, case in measured for value in until_right(case))
    windows = [row for identity, case in measured for row in _windows(identity, case)]
    if changes:
        windows.append(_policies(changes))
    return Recovery(faults, tuple(windows), plots.repairs(facts), plots.histogram(changes))


def _fault_row(case: Mapping[str, Any]) -> Row:
    fact = case["facts"]["fault"]
    crash = "; the agent crashed" if fact["crashes"] else ""
    interruption, lost = seconds(fact["longest_gap"]), str(fact["lost_datagrams"])
    verdict = case["verdict"]
    return Row(fact["id"], fact["sentence"], interruption, lost, fact["traffic"] + crash, fact["state"], verdict)


def _windows(identity: str, case: Mapping[str, Any]) -> Iterator[Row]:
    facts = case["facts"]
    for name, event in WINDOWS.items():
        if isinstance(facts.get(name), int | float):
            sentence = event[0].upper() + event[1:]
            yield Row(identity, sentence, NONE, NONE, f"within {seconds(facts[name])}", NONE, case["verdict"])
    if flows := facts.get(FLOWS):
        longest = max(flow["longest"] for flow in flows)
        lost = sum(flow["sent"] - flow["answered"] for flow in flows if flow["kind"] == "udp")
        yield Row(identity, case["title"], seconds(longest), str(lost), NONE, NONE, case["verdict"])


def until_right(case: Mapping[str, Any]) -> Sequence[float]:
    """Return the seconds until each state of a policy case was right; none if the case did not pass."""
    values = case["facts"].get(UNTIL_RIGHT, ())
    return values if case["verdict"] == "passed" else ()


def _policies(values: Sequence[float]) -> Row:
    event = f"Policies or labels change: {plural(len(values), 'state')} of the hand-written cases"
    text = f"median {seconds(statistics.median(values))}, slowest {seconds(max(values))}"
    return Row("P", event, NONE, NONE, text, NONE, "passed")
