"""One fault from its injection to the state before it: who notices, what recovers, when, and by what."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fixtures import waiting
from fixtures.clusters.protocol import EXTERNAL_HOST
from fixtures.cnis import agents
from fixtures.faults.catalogue import Recovery
from fixtures.probes import judging
from fixtures.testbed import OUTSIDE
from fixtures.waiting import NeverHappenedError
from fixtures.world import PORTS
from policies.flow import Expected, Target
from suites.expect import to_pod

if TYPE_CHECKING:
    from collections.abc import Callable

    from fixtures.faults.catalogue import Known
    from fixtures.faults.injection import Injection
    from fixtures.testbed import Testbed

EVERY = 0.05  # seconds between sends of the flows that go on
WATCH = 12.0  # seconds in which something that is not known to recover may still do so: agents look again every 10
SLACK = 1.5  # seconds beyond a known bound: detecting takes a matrix, and probes that time out take a second
SILENT = 1.0  # seconds without an answer that users notice: the requirement where nobody is to notice
AFTER = 3.0  # seconds in which flows go on once everything is back: a new agent makes rules and routes its own then
PATIENCE = 15.0  # seconds until everything works after a restart or after undoing; our patience
SHORT = 0.3  # seconds a probe waits here: what recovers is to be seen soon


@dataclass
class Experiment:
    """What happened, in seconds since the injection.

    Attributes:
        testbed: the cluster.
        victim: the node.
        known: what the plugin is known to do.
        traffic: how traffic recovered.
        state: how what was broken came back.
        marks: (seconds, what) for the timeline.
        flows: the flows that went on, as agent/continuous.py describes them, with who sent them.
        left: findings of the plugin's audits at the end that were not there before.
        took: whether the fault took effect.
        harm: flows that were wrong when the first look found traffic harmed.
        unseen: whether all was back before the first look at traffic ended, so that nobody saw what it did to it.
        started: when, on the wall clock.
        crashes: the panics that the victim's agents left in their logs meanwhile.
    """

    testbed: Testbed
    victim: str
    known: Known | None
    traffic: Recovery = field(default_factory=lambda: Recovery("none"))
    state: Recovery = field(default_factory=lambda: Recovery("none"))
    marks: list[tuple[float, str]] = field(default_factory=list)
    flows: list[dict[str, Any]] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    took: bool = False
    harm: list[str] = field(default_factory=list)
    unseen: bool = False
    started: float = 0.0
    crashes: list[str] = field(default_factory=list)

    def run(self, injection: Injection) -> None:
        """From before to after; the injection's context undoes what is left."""
        kube, nodes = self.testbed.kube, len(self.testbed.nodes)
        # What an earlier fault did to an agent is not to count for this one.
        replaced = [agents.forget_restarts(kube, one, self.victim, nodes) for one in self.testbed.cni.agents]
        if any(replaced):
            self.wait(lambda: not self.testbed.findings())  # a new one is ready before its rules are there
        before = self.testbed.findings()
        panics = self._panics()
        self._start()
        try:
            with injection:
                self.begun = time.monotonic()
                self.took, self.started = injection.took, injection.at
                if self.took:
                    self._watch(injection)
                    self.crashes = sorted(self._panics() - panics)
                    self._remedies(injection, undo_first=injection.fault.undo_first)
                    waiting.observe(AFTER)
        finally:
            self._stop()
        if not self.wait(self.traffic_right):
            self.left.append("traffic is not as it was before")
        if not self.wait(lambda: not set(self.testbed.findings()) - set(before)):
            self.left += sorted(set(self.testbed.findings()) - set(before))

    def _watch(self, injection: Injection) -> None:
        """See what recovers by itself."""
        bounds = [r.within for r in (self.known.traffic, self.known.state) if r.by == "itself"] if self.known else []
        harmed = not self.traffic_right_soon()
        self.unseen = not harmed and injection.healed()
        self.traffic = Recovery("never" if harmed else "none")
        self.state = Recovery("never")
        lasting = self.known is not None and self.known.traffic.by == "none" and self.known.state.by == "undo"
        deadline = self.begun + (WATCH / 2 if lasting else max([WATCH, *(1.1 * b + SLACK for b in bounds)]))
        while time.monotonic() < deadline and "never" in {self.traffic.by, self.state.by}:
            if self.state.by == "never" and injection.healed():
                self.state = Recovery("itself", self.note("state is back by itself"))
            if self.traffic.by == "never" and self.traffic_right():
                self.traffic = Recovery("itself", self.note("traffic is back by itself"))
            if self.traffic.by == "none" and not self.traffic_right_soon():
                self.traffic = Recovery("never")

    def _remedies(self, injection: Injection, *, undo_first: bool) -> None:
        """What did not recover: restart the agent, unless undoing is what it takes; then undo."""
        undo = undo_first or (self.known is not None and "undo" in {self.known.traffic.by, self.known.state.by})
        if "never" in {self.traffic.by, self.state.by} and not undo and self.testbed.cni.agents:
            self.note("agent restarted")
            for agent in self.testbed.cni.agents:
                agents.replace(self.testbed.kube, agent, self.victim, len(self.testbed.nodes))
            self._settle(injection, "restart")
        if "never" in {self.traffic.by, self.state.by}:
            self.note("fault undone")
            injection.undo()
            self._settle(injection, "undo")

    def _settle(self, injection: Injection, by: str) -> None:
        """Note what a remedy brought back."""
        if self.state.by == "never" and self.wait(injection.healed):
            self.state = Recovery(by, self.note("state is back"))
        if self.traffic.by == "never" and self.wait(self.traffic_right):
            self.traffic = Recovery(by, self.note("traffic is back"))

    def wait(self, look: Callable[[], bool]) -> bool:
        """Wait for it; an end of the patience is an answer too."""
        try:
            return waiting.until(look, "it", patience=PATIENCE)
        except NeverHappenedError:
            return False

    def note(self, what: str) -> float:
        """Mark the timeline; the seconds since the injection."""
        seconds = round(time.monotonic() - self.begun, 2)
        self.marks.append((seconds, what))
        return seconds

    def traffic_right(self) -> bool:
        """Whether victim and peers reach each other, and the outside sees the victim's own address."""
        return not self._wrong(SHORT)

    def traffic_right_soon(self) -> bool:
        """The same, asked again with the patience of a user: one wrong answer may be a probe that came late."""
        if self.traffic_right():
            return True
        wrong = self._wrong(SILENT)
        self.harm = self.harm or wrong
        return not wrong

    def _wrong(self, timeout: float) -> list[str]:
        """The flows that are not answered in so many seconds as they should be, or the servers that are dead."""
        answers = judging.Batch(self.testbed.probers, self.matrix(), timeout).ask()
        return [*answers.dead] or [str(wrong) for wrong in answers.wrong]

    def matrix(self) -> list[Expected]:
        """Flows between the victim's pod and its peers', both ways, and to the outside."""
        testbed, family = self.testbed, self.testbed.topology.families[0]
        own = testbed.pods_on(self.victim)[0]
        flows = []
        for node in testbed.nodes:
            if node != self.victim:
                other = testbed.pods_on(node)[0]
                flows += [to_pod(own.key, other, p, PORTS[0], family) for p in ("tcp", "udp")]
                flows += [to_pod(other.key, own, p, PORTS[0], family) for p in ("tcp", "udp")]
        if EXTERNAL_HOST in testbed.cluster.capabilities and "masquerade" in testbed.cni.variant.features:
            target = Target("tcp", testbed.topology.outside_ip(family), PORTS[0])
            sources = frozenset({testbed.hosts[self.victim].ip(family)})
            flows.append(Expected(own.key, OUTSIDE, target, sources=sources, server=OUTSIDE))
        return flows

    def _start(self) -> None:
        testbed, family = self.testbed, self.testbed.topology.families[0]
        own = testbed.pods_on(self.victim)[1]
        others = [testbed.pods_on(node)[1] for node in testbed.nodes if node != self.victim]
        for client, servers in ((own, others), *((other, [own]) for other in others)):
            targets = [Target("udp", server.ip(family), PORTS[2]) for server in servers]
            testbed.probers[client.key].start_flows("chaos", targets, ["udp", "tcp", "connect"], EVERY)

    def _stop(self) -> None:
        for node in self.testbed.nodes:
            client = self.testbed.pods_on(node)[1].key
            rows = self.testbed.probers[client].stop_flows("chaos")
            self.flows += [{"from": client, "to": self._name(row["host"]), **row} for row in rows]

    def _name(self, address: str) -> str:
        return next(pod.key for pod in self.testbed.pods.values() if address in pod.ips)

    def _panics(self) -> set[str]:
        """Panics in the logs of the victim's agents, by pod."""
        kube = self.testbed.kube
        return {line for agent in self.testbed.cni.agents for line in agents.panics(kube, agent, self.victim)}

    @property
    def longest(self) -> float:
        """The longest time any flow was without an answer, in seconds."""
        return max((float(row["longest"]) for row in self.flows), default=0.0)

    @property
    def lost(self) -> int:
        """Datagrams that were not answered."""
        return sum(row["sent"] - row["answered"] for row in self.flows if row["kind"] == "udp")
