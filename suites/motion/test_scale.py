"""Many rules, policies and pods: how soon they count, what they cost, and that nothing of them stays: T10."""

from __future__ import annotations

import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from fixtures import waiting
from fixtures.clusters.protocol import NODE_COMMANDS
from fixtures.probes.attempting import Attempts
from fixtures.waiting import NeverHappenedError
from policies.flow import CONNECTED
from reports.outcome import Inconclusive, Refuted
from suites.motion.loads import Ends, Pods, Rules, Scale
from suites.motion.node_load import grown, load_of, usage
from suites.support.changes import percentile
from suites.support.marks import disturbs, needs, requirement
from suites.support.policies import allow_ingress_from, allowed, enforced, policy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fixtures.testbed.testbed import Testbed
    from policies.flow import Flow
    from suites.support.expect import Expect

SCALES: tuple[Scale, ...] = (Rules(200), Rules(1000), Rules(5000), Rules(500, of_policy=1), Pods(100))
COUNTS = 120.0  # seconds until a point counts, and until it is gone; our patience
STEADY = 3  # flows in a row with one outcome
CONNECTIONS = 200  # new connections, one after the other, of which the duration is measured
NOISE, LEAST = 2.0, 0.1  # factor and milliseconds by which connections have to take longer to count as slower
CLEANED = 60.0  # seconds until what is gone is removed everywhere; our patience, some engines clean up periodically
FACT = "scale"


@dataclass
class Point:
    """A point of scale on a cluster, and its figures.

    Attributes:
        testbed: the cluster.
        scale: what is created.
        ends: the pods of its flows.
        figures: what was measured.
        fastest: milliseconds within which a tenth of new connections are answered, which other programs hardly delay.
    """

    testbed: Testbed
    scale: Scale
    ends: Ends
    figures: dict[str, Any] = field(default_factory=dict)
    fastest: dict[str, float] = field(default_factory=dict)

    @property
    def flows(self) -> tuple[Flow, Flow]:
        """The flow of the canary, and that of the other client."""
        ends = self.ends
        return allowed(ends.canary, ends.server, ends.family), allowed(ends.other, ends.server, ends.family)

    def durations(self, name: str) -> None:
        """Measure how long new connections of the canary take, from the SYN to the answer, in milliseconds."""
        flow, prober = self.flows[0], self.testbed.probers[self.ends.canary.key]
        rows = [prober.probe([flow.target])[0][0] for _ in range(CONNECTIONS)]
        taken = sorted(row.worst_ms for row in rows if row.outcome == CONNECTED)
        if len(taken) < CONNECTIONS:
            raise Inconclusive(f"{CONNECTIONS - len(taken)} of {CONNECTIONS} connections failed, {name}")
        self.fastest[name] = percentile(taken, 10)
        self.figures[f"connection, ms, {name}"] = {f"p{part}": round(percentile(taken, part), 2) for part in (50, 99)}

    def slower(self) -> list[str]:
        """How new connections take longer after than before, beyond noise; none if they do not."""
        before, after = self.fastest["before"], self.fastest["after"]
        if after <= NOISE * before + LEAST:
            return []
        return [f"a tenth of new connections is answered within {after:.2f} ms, within {before:.2f} ms before"]

    @contextmanager
    def watched(self) -> Iterator[Attempts]:
        """New flows of both clients without a pause."""
        attempts = Attempts(self.testbed.probers, self.flows)
        with attempts.running():
            yield attempts

    def build(self) -> None:
        """Create everything; the figures of it: seconds until all is created, and until it counts then."""
        with self.watched() as attempts:
            wait(attempts, self.flows, connected=False)
            begun = time.monotonic()
            self.scale.build(self.testbed, self.ends)
            requested = time.monotonic()
            self.scale.admit(self.testbed, self.ends)
            changed = time.monotonic()
            wait(attempts, self.flows[:1], connected=True)
        self.figures["created, s"] = round(changed - begun, 2)
        self.figures["counts after, s"] = shown(attempts, self.flows[0], requested, changed)

    def remove(self, isolating: Callable[[], None]) -> None:
        """Delete everything, and last the policy that isolates; the figures of it."""
        with self.watched() as attempts:
            begun = time.monotonic()
            self.scale.remove(self.testbed, self.ends)
            requested = time.monotonic()
            isolating()
            changed = time.monotonic()
            wait(attempts, self.flows, connected=True)
        self.figures["deleted, s"] = round(changed - begun, 2)
        self.figures["gone after, s"] = shown(attempts, self.flows[1], requested, changed)


def wait(attempts: Attempts, flows: tuple[Flow, ...], *, connected: bool) -> None:
    """Wait until the last of some flows got through, or did not.

    Raises:
        Refuted: they are not.
    """
    begun = time.monotonic()

    def steady() -> bool:
        series = {each.flow: each for each in attempts.read()}
        return all(series[flow].steady(connected=connected, count=STEADY) for flow in flows)

    try:
        waiting.until(steady, f"flows that {'get through' if connected else 'are denied'}", patience=COUNTS)
    except NeverHappenedError as error:
        raise Refuted(str(error), (begun, time.monotonic())) from error


def shown(attempts: Attempts, flow: Flow, requested: float, changed: float) -> str:
    """The window until a flow got through, in seconds, with its error."""
    series = next(series for series in attempts.results if series.flow == flow)
    window = series.window(changed, requested, connected=True)
    return f"{window.seconds:.2f} ± {window.resolution:.2f}"


@pytest.fixture
def ends(testbed: Testbed) -> Ends:
    """A server and a client on one node, and another client."""
    server, canary = testbed.pods_on(testbed.nodes[0])[:2]
    other = testbed.pods_on(testbed.nodes[-1])[1]
    if other in (server, canary):
        other = testbed.pods_on(testbed.nodes[-1])[2]
    return Ends(server, canary, other, testbed.topology.families[0])


@pytest.mark.parametrize("scale", SCALES, ids=str)
@requirement("T10")
@needs("network-policy", NODE_COMMANDS)
@disturbs
def test_nothing_of_many_stays(testbed: Testbed, expect: Expect, ends: Ends, scale: Scale) -> None:
    """After many rules, policies or pods, a node keeps nothing of them; how soon they count and what they cost."""
    point, isolates = Point(testbed, scale, ends), policy("scale", allow_ingress_from(ends.server))
    expect.facts[FACT] = {str(scale): point.figures}
    expect.flows(list(point.flows))
    with enforced(testbed, isolates), point.watched() as attempts:
        wait(attempts, point.flows, connected=False)
    before, used = load_of(testbed), usage(testbed, ends.server.node)
    point.durations("before")
    with enforced(testbed, isolates), ExitStack() as ending:
        ending.callback(scale.remove, testbed, ends)
        point.build()
        point.durations("with them")
        point.figures["agents"] = costs(used, usage(testbed, ends.server.node))
        point.remove(lambda: testbed.kube.delete(isolates))
        ending.pop_all()

    def more() -> list[str]:
        point.durations("after")
        return [*grown(before, load_of(testbed)), *point.slower()]

    expect.nothing_soon(more, "not all is as it was before", patience=CLEANED)


def costs(before: dict[str, Any], after: dict[str, Any]) -> dict[str, dict[str, float]]:
    """What the agents of a node used between two readings, by name."""
    return {
        name: {"processor, s": round(used.seconds - before[name].seconds, 2), "resident, MiB": round(used.resident)}
        for name, used in after.items()
        if name in before
    }
