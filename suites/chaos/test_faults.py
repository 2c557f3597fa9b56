"""What happens when somebody or something breaks a node's network: one case per fault of faults.yaml."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fixtures.clusters.protocol import BREAKABLE
from fixtures.faults import catalogue, injection
from fixtures.faults.experiment import SILENT, SLACK, Experiment
from reports import evidence, timeline
from reports.outcome import Inconclusive
from suites.support.bounds import unanswered, within
from suites.support.marks import disturbs, needs, requirement

if TYPE_CHECKING:
    from pathlib import Path

    from fixtures.faults.catalogue import Fault, Recovery
    from fixtures.testbed.testbed import Testbed
    from suites.support.expect import Expect

FAULTS = [
    pytest.param(fault, id=fault.id, marks=[requirement(fault.id), needs(BREAKABLE, *fault.needs)])
    for fault in catalogue.load().values()
]


def unlike(experiment: Experiment) -> list[str]:
    """How what was seen differs from what is known; nothing where nothing is."""
    known = experiment.known
    if known is None:
        return []
    found = _unlike("state", known.state, experiment.state) + _unlike_traffic(known.traffic, experiment)
    if known.traffic.by == "none" and any(flow.broken for flow in experiment.flows):
        found.append(f"users noticed: connections were broken; known is: {known.traffic}")
    return found


def in_time(experiment: Experiment) -> None:
    """Hold what recovered by itself to the time that is known, and users who notice nothing to a second."""
    known, begun = experiment.known, experiment.begun
    if known is None:
        return
    for what, wanted, seen in (
        ("state", known.state, experiment.state),
        ("traffic", known.traffic, experiment.traffic),
    ):
        if seen.by == wanted.by == "itself":
            bound = 1.1 * wanted.within + SLACK
            within(seen.within, bound, f"{what} recovering by itself", (begun, begun + seen.within))
    if known.traffic.by == "none":
        unanswered(experiment.flows, SILENT)


def _unlike_traffic(known: Recovery, experiment: Experiment) -> list[str]:
    if experiment.unseen and experiment.traffic.by == "none" and known.by == "itself":
        return []
    found = _unlike("traffic", known, experiment.traffic)
    return found and [*found, *experiment.harm]


def _unlike(what: str, known: Recovery, seen: Recovery) -> list[str]:
    return [] if seen.by == known.by else [f"{what} recovers {seen}; known is: {known}"]


def record(expect: Expect, fault: Fault, experiment: Experiment) -> None:
    """Leave for the report what happened."""
    expect.facts["fault"] = {
        "id": fault.id,
        "sentence": fault.sentence,
        "longest_gap": experiment.longest,
        "lost_datagrams": experiment.lost,
        "broken_connections": sum(flow.broken for flow in experiment.flows),
        "traffic": str(experiment.traffic),
        "traffic_seconds": experiment.traffic.within,
        "state": str(experiment.state),
        "state_seconds": experiment.state.within,
        "harm": experiment.harm,
        "unseen": experiment.unseen,
        "marks": experiment.marks,
        "left": experiment.left,
        "crashes": experiment.crashes,
    }
    rows = [flow.row() for flow in experiment.flows]
    drawn = timeline.draw(fault.sentence, rows, experiment.marks, experiment.started)
    evidence.attach_page("timeline", drawn, expect.evidence)


@pytest.mark.parametrize("fault", FAULTS)
@disturbs
def test_a_fault_recovers_as_known(testbed: Testbed, expect: Expect, fault: Fault, out: Path) -> None:
    """What a fault breaks comes back as the plugin is known to bring it back, and nothing is left of it."""
    if len(testbed.nodes) < 2 or "ipv4" not in testbed.topology.families:
        pytest.skip("the faults are written for IPv4 and two nodes at least")
    victim = testbed.nodes[0]
    experiment = Experiment(testbed, victim, catalogue.known(testbed.cni, fault.id))
    if not experiment.wait(experiment.traffic_right):
        raise Inconclusive("traffic is not right before the fault")
    try:
        experiment.run(injection.Injection(testbed, fault, victim, injection.words(testbed, victim), out))
    finally:
        record(expect, fault, experiment)
    if not experiment.took:
        raise Inconclusive(f"{fault.id} had no effect on {victim}, so nothing can be said about it")
    during = experiment.during
    with expect.answering(experiment.matrix()):
        expect.nothing(experiment.left, "the nodes are not as they were before", during)
        expect.nothing(experiment.crashes, "the agent crashed")
        expect.nothing(unlike(experiment), "the recovery is not as it is known", during)
        in_time(experiment)
