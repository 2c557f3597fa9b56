"""Measure how fast a path is: round after round a bare veth pair, then the path."""

from __future__ import annotations

import contextlib
import time
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from fixtures import waiting
from fixtures.errors import NetproofError
from fixtures.probes.flows import to_pod
from fixtures.probes.pods import PORTS
from fixtures.testbed import services
from fixtures.testbed.testbed import NAMESPACES, OUTSIDE
from fixtures.waiting import NeverHappenedError
from policies.families import Family, of_family
from policies.flow import CONNECTED, Flow, Target
from reports import performance_fact
from reports.outcome import Refuted
from reports.performance_fact import PathName, PerformanceFact

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from fixtures.probes.prober import Prober
    from fixtures.probes.results import MachineTime, Speed
    from fixtures.testbed.bare_veth import BareVeth
    from fixtures.testbed.testbed import Testbed

ROUNDS = 3  # of each path, without --repeats
# What is sent, one after the other, and for how many seconds.
SECONDS = {"stream": 0.12, "connections": 0.04, "requests": 0.05}
MOST_HERE = 4_000_000_000  # bytes of a stream that stays on this machine
MOST_ELSEWHERE = 64_000_000  # bytes of a stream between other machines, whose network has other users
PATIENCE = 5.0  # seconds that a path may carry nothing; our patience, the slowest needs a hundredth of it
REST = 0.2  # seconds in which the processors are watched before traffic begins
QUIET = 0.25  # share of the processors that may work then; with more, the work for a stream is not known
SERVICE = "speed"
GIGABYTE = 1e9


@dataclass(frozen=True)
class Path:
    """A client, a server, and the flow between them.

    Attributes:
        name: its name.
        family: of its addresses.
        flow: from the client to the server.
        server: `namespace/name` of the pod that answers, or a host's name.
    """

    name: PathName
    family: Family
    flow: Flow
    server: str


@contextmanager
def opened(testbed: Testbed, name: PathName, family: Family) -> Iterator[Path | None]:
    """A path from the first pod of the first node; None if the cluster has no such path.

    Between nodes, and behind the ClusterIP, the server is a pod of the second node; a ClusterIP differs from the path
    between nodes in its translation alone.

    Args:
        testbed: the cluster.
        name: its name.
        family: of its addresses.
    """
    client, *beside = testbed.pods_on(testbed.nodes[0])
    remote = [testbed.pods_on(node)[0] for node in testbed.nodes[1:]]
    if name is PathName.OUTSIDE:
        target = Target("tcp", testbed.topology.outside_ip(family), PORTS[0])
        yield Path(name, family, Flow(client.key, OUTSIDE, target, identities=frozenset({OUTSIDE})), OUTSIDE)
        return
    servers = beside if name is PathName.SAME_NODE else remote
    if not servers:
        yield None
        return
    server = servers[0]
    if name is not PathName.CLUSTER_IP:
        yield Path(name, family, to_pod(client.key, server, "tcp", PORTS[0], family), server.key)
        return
    with services.temporary(testbed, SERVICE, {"app": server.name}) as service:
        target = Target("tcp", of_family(service["spec"]["clusterIPs"], family), PORTS[0])
        _wait_until_programmed(testbed, target)
        flow = Flow(client.key, f"{NAMESPACES[0]}/{SERVICE}", target, identities=frozenset({server.key}))
        yield Path(name, family, flow, server.key)


def _wait_until_programmed(testbed: Testbed, target: Target) -> None:
    """Wait until the client's node translates a ClusterIP, probed by a pod that no case uses.

    A connection that is opened earlier leaves a conntrack entry without translation.  On a timeout this returns: the
    measurement reports a Service that does not work.
    """
    scout = testbed.probers[testbed.pods_on(testbed.nodes[0])[2].key]
    with contextlib.suppress(NeverHappenedError):
        waiting.until(
            lambda: scout.probe([target])[0][0].outcome == CONNECTED, "the ClusterIP", patience=services.PATIENCE
        )


@dataclass(frozen=True)
class Processors:
    """The machines of a path, and how busy they were before traffic began.

    Attributes:
        here: id of the client's machine.
        far: an agent on the server's machine; None if it is the client's machine, whose agent measures itself.
        at_rest: id of a machine → processors that worked, on average.
        quiet: whether so few of them worked that the work for a stream can be told from it.
    """

    here: str
    far: Prober | None
    at_rest: Mapping[str, float]
    quiet: bool

    @staticmethod
    def watch(client: Prober, server: Prober) -> Processors:
        """Watch both machines for REST seconds."""
        agents = (client, server)
        before = [agent.machine_time() for agent in agents]
        waiting.observe(REST)
        pairs = list(zip(before, (agent.machine_time() for agent in agents), strict=True))
        at_rest = {early.machine: _worked(early, late) / (late.at - early.at) for early, late in pairs}
        quiet = all(at_rest[each.machine] <= QUIET * each.processors for each in before)
        here, there = (reading.machine for reading in before)
        return Processors(here, server if there != here else None, at_rest, quiet)

    def busy(self, stream: Speed, far: tuple[MachineTime, MachineTime] | None) -> float:
        """The seconds that the processors of both machines worked for a stream.

        Args:
            stream: what the client measured.
            far: readings of the server's machine before and after it; None if it is the client's.
        """
        seconds = stream.busy - self.at_rest[self.here] * stream.seconds
        if far:
            early, late = far
            seconds += _worked(early, late) - self.at_rest[early.machine] * (late.at - early.at)
        return max(0.0, seconds)


def _worked(early: MachineTime, late: MachineTime) -> float:
    return max(0.0, late.worked - early.worked)


def sample(client: Prober, target: Target, processors: Processors, most: int) -> dict[str, float]:
    """Measure once; returns the value of each figure by its key.

    Args:
        client: the agent that sends.
        target: the server.
        processors: of the client's and the server's machine.
        most: bytes after which a stream ends.

    Raises:
        StoppedError: the path carried nothing for PATIENCE seconds, or a connection ended.
    """
    far = processors.far
    before = far.machine_time() if far else None
    stream = _sent("stream", client, target, most)
    after = far.machine_time() if far else None
    connections, requests = (_sent(what, client, target, most) for what in ("connections", "requests"))
    readings = (before, after) if before and after else None
    return {
        performance_fact.THROUGHPUT.key: stream.bytes * 8 / stream.seconds / GIGABYTE,
        performance_fact.CONNECTIONS.key: connections.count / connections.seconds,
        performance_fact.ROUND_TRIPS.key: requests.count / requests.seconds,
        performance_fact.TRIP_P50.key: requests.p50,
        performance_fact.TRIP_P99.key: requests.p99,
    } | (
        {performance_fact.CPU.key: processors.busy(stream, readings) / stream.bytes * GIGABYTE}
        if processors.quiet
        else {}
    )


class StoppedError(Exception):
    """Traffic on a path came to a halt; the message has what was sent, the client, the target and the outcome.

    Attributes:
        outcome: of a batch, or "closed".
    """

    def __init__(self, message: str, outcome: str) -> None:
        super().__init__(message)
        self.outcome = outcome


def _sent(what: str, client: Prober, target: Target, most: int) -> Speed:
    speed = client.speed(what, target, SECONDS[what], most, PATIENCE)
    if speed.ended:
        raise StoppedError(f"{what} from {client.name} to {target}: {speed.ended}", speed.ended)
    return speed


@dataclass
class Base:
    """The bare veth pair that a path is compared with; without one that works the path has figures all the same.

    Attributes:
        pair: the pair.
        target: its server.
        why: why it is not used; "" if it is.
        rounds: what was measured, as `sample` returns it.
    """

    pair: BareVeth
    target: Target
    why: str
    rounds: list[dict[str, float]] = field(default_factory=list)

    @staticmethod
    def of(pair: BareVeth, path: Path, processors: Processors) -> Base:
        """The base of a path."""
        why = pair.why
        if pair.prober and pair.prober.machine_time().machine != processors.here:
            why = "the nodes are other machines than the one that netproof runs on"
        return Base(pair, pair.target(path.family), why)

    def measure(self, processors: Processors) -> None:
        """Measure once, if the pair works."""
        if self.why or not self.pair.prober:
            return
        try:
            self.rounds.append(sample(self.pair.prober, self.target, replace(processors, far=None), MOST_HERE))
        except (StoppedError, NetproofError) as error:
            self.why = str(error)
            self.rounds.clear()


def measure(testbed: Testbed, path: Path, pair: BareVeth, rounds: int) -> PerformanceFact:
    """Measure a path and, in turn with it, a bare veth pair if the nodes are on this machine.

    Raises:
        Refuted: traffic on the path came to a halt.
    """
    client = testbed.probers[path.flow.source]
    processors = Processors.watch(client, testbed.probers[path.server])
    base = Base.of(pair, path, processors)
    most = MOST_ELSEWHERE if base.why else MOST_HERE
    own: list[dict[str, float]] = []
    for _ in range(rounds):
        base.measure(processors)
        own.append(_of_path(client, path.flow.target, processors, most))
    return PerformanceFact(
        version=performance_fact.VERSION,
        path=path.name,
        family=path.family,
        client=client.name,
        server=path.server,
        rounds=rounds,
        figures=performance_fact.figures(own, base.rounds),
        without_base=base.why,
    )


def _of_path(client: Prober, target: Target, processors: Processors, most: int) -> dict[str, float]:
    begun = time.monotonic()
    try:
        return sample(client, target, processors, most)
    except StoppedError as error:
        during = (begun, time.monotonic()) if error.outcome == "timeout" else None
        raise Refuted(str(error), during) from error


def families(testbed: Testbed | None, repeats: int | None) -> Sequence[Family]:
    """The families whose paths are measured: all with --repeats, else the preferred one."""
    every = testbed.topology.families if testbed else (Family.IPV4,)
    return every if repeats else every[:1]
