"""Recovery from faults of a node's network: one case per fault of faults.yaml."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fixtures.clusters.protocol import BREAKABLE
from fixtures.faults import catalogue, injection
from fixtures.faults.catalogue import Remedy
from fixtures.faults.experiment import OUTAGE, PATIENCE, SLACK, Experiment
from reports import evidence, timeline
from reports.fault_fact import FaultFact, FlowFact
from reports.outcome import Inconclusive
from suites.support.bounds import unanswered, within
from suites.support.marks import changes_agents, disturbs, needs, requirement, title

if TYPE_CHECKING:
    from pathlib import Path

    from fixtures.faults.catalogue import Fault, Recovery
    from fixtures.probes.results import ContinuousFlow
    from fixtures.testbed.testbed import Testbed
    from suites.support.expect import Expect

FAULTS = [
    pytest.param(
        fault, id=fault.id, marks=[requirement(fault.id), title(fault.sentence), needs(BREAKABLE, *fault.needs)]
    )
    for fault in catalogue.load().values()
    if not fault.host  # those of other hosts are cases of suites/motion
]


def differences(experiment: Experiment) -> list[str]:
    """How the observed recovery differs from the known one; empty if the plugin states none."""
    known = experiment.known
    if known is None:
        return []
    lines = _compare("state", known.state, experiment.state) + _compare_traffic(known.traffic, experiment)
    if known.traffic.by is Remedy.NONE and any(flow.broken for flow in experiment.flows):
        lines.append(f"connections were broken; the known recovery of traffic is: {known.traffic}")
    return lines


def require_in_time(experiment: Experiment) -> None:
    """Hold a recovery without intervention to its known time, and traffic that is not to be affected to OUTAGE."""
    known, begun = experiment.known, experiment.begun
    if known is None:
        return
    for what, expected, observed in (
        ("state", known.state, experiment.state),
        ("traffic", known.traffic, experiment.traffic),
    ):
        if observed.by is expected.by is Remedy.UNAIDED:
            bound = 1.1 * expected.within + SLACK
            during = (begun, begun + observed.within)
            within(observed.within, bound, f"recovery of {what} without intervention", during)
    if known.traffic.by is Remedy.NONE:
        unanswered(experiment.flows, OUTAGE)


def _compare_traffic(known: Recovery, experiment: Experiment) -> list[str]:
    if experiment.unseen and experiment.traffic.by is Remedy.NONE and known.by is Remedy.UNAIDED:
        return []
    lines = _compare("traffic", known, experiment.traffic)
    return lines and [*lines, *experiment.harm]


def _compare(what: str, known: Recovery, observed: Recovery) -> list[str]:
    return [] if observed.by is known.by else [f"recovery of {what}: observed: {observed}; known: {known}"]


def fact_of(fault: Fault, experiment: Experiment) -> FaultFact:
    """The fact for verdict.json."""
    return FaultFact(
        id=fault.id,
        sentence=fault.sentence,
        longest_gap=experiment.longest,
        lost_datagrams=experiment.lost,
        broken_connections=sum(flow.broken for flow in experiment.flows),
        traffic=str(experiment.traffic),
        traffic_seconds=experiment.traffic.within,
        state=str(experiment.state),
        state_seconds=experiment.state.within,
        harm=experiment.harm,
        unseen=experiment.unseen,
        marks=experiment.marks,
        left=experiment.left,
        crashes=experiment.crashes,
        flows=[_flow_fact(flow, experiment.started) for flow in experiment.flows],
        known_seconds=_known_seconds(experiment),
    )


def _known_seconds(experiment: Experiment) -> dict[str, float]:
    known = experiment.known
    each = {"traffic": known.traffic, "state": known.state} if known else {}
    return {name: recovery.within for name, recovery in each.items() if recovery.by is Remedy.UNAIDED}


def _flow_fact(flow: ContinuousFlow, injected: float) -> FlowFact:
    outages = [(round(gap.begin - injected, 3), round(gap.seconds, 3)) for gap in flow.gaps]
    return FlowFact(kind=flow.kind, client=flow.client, server=flow.server, longest=flow.longest, outages=outages)


def record(expect: Expect, fault: Fault, experiment: Experiment) -> None:
    """Add the fault's fact and its timeline to the report."""
    expect.facts["fault"] = fact_of(fault, experiment)
    rows = [_row(flow, experiment.started) for flow in experiment.flows]
    evidence.attach_page("timeline", timeline.draw(fault.sentence, rows, experiment.marks), expect.evidence)


def _row(flow: ContinuousFlow, injected: float) -> timeline.Row:
    outages = tuple(timeline.Outage(gap.begin - injected, gap.seconds) for gap in flow.gaps)
    return timeline.Row(flow.kind, flow.client, flow.server, flow.longest, outages)


@pytest.mark.parametrize("fault", FAULTS)
@disturbs
@changes_agents
def test_a_fault_recovers_as_known(testbed: Testbed, expect: Expect, fault: Fault, out: Path) -> None:
    """Traffic is right before a fault; it and state recover as recovery.yaml states, and nothing remains."""
    if len(testbed.nodes) < 2 or "ipv4" not in testbed.topology.families:
        pytest.skip("the faults are written for IPv4 and two nodes at least")
    victim = testbed.nodes[0]
    experiment = Experiment(testbed, victim, catalogue.known_recovery(testbed.cni, fault.id))
    expect.flows(experiment.matrix(), patience=PATIENCE)  # on a cluster without fault, wrong traffic is the plugin's
    try:
        experiment.run(injection.Injection(testbed, fault, victim, injection.placeholders(testbed, victim), out))
    finally:
        record(expect, fault, experiment)
    if not experiment.took_effect:
        raise Inconclusive(f"{fault.id} had no effect on {victim}, so the recovery from it is unknown")
    during = experiment.during
    expect.nothing(experiment.crashes, "the agent crashed")
    with expect.answering(experiment.matrix()):
        expect.nothing(experiment.left, "the nodes are not as they were before", during)
        expect.nothing(differences(experiment), "the recovery differs from the known one", during)
        require_in_time(experiment)
