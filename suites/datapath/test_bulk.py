"""Load: large transfers, fragments, many short connections: D14, D15, D17."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from fixtures.clusters.protocol import NODE_COMMANDS, run_on
from fixtures.cnis.node_state import Finding
from fixtures.probes.flows import to_pod
from fixtures.probes.pods import PORTS
from fixtures.probes.results import Transfer
from policies.flow import CONNECTED, Target
from suites.support.marks import disturbs, requirement

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fixtures.probes.pods import ProbePod
    from fixtures.testbed.testbed import Testbed
    from policies.flow import Flow
    from suites.support.expect import Expect

TRANSFER = 10_000_000  # bytes each way
PATIENCE = 10.0  # seconds that a transfer may stall; our patience, the slowest backend takes one for the whole of it
LONGEST = 60.0  # seconds that a transfer may take; our patience, sixty times the time of the slowest backend
DATAGRAM = 4096 + 28  # bytes with its headers: three fragments on an underlay of 1500
CONNECTIONS = 2000  # from each node at the same time
TICKS = os.sysconf("SC_CLK_TCK")  # of /proc/stat in a second
SOON = 1.0  # seconds within which 99 of 100 connections have to be answered: the requirement


def neighbours(testbed: Testbed) -> Iterator[tuple[ProbePod, ProbePod]]:
    """(client, server) from the first pod of each node to a pod of every node, its own included."""
    for node in testbed.nodes:
        for peer in testbed.nodes:
            client, server = testbed.pods_on(node)[0], testbed.pods_on(peer)[0]
            yield (client, server) if node != peer else (client, testbed.pods_on(node)[1])


def to_neighbours(testbed: Testbed, protocol: str, port: int, family: str) -> list[Flow]:
    """Flows between these pods, for the controls of their servers."""
    return [to_pod(client.key, server, protocol, port, family) for client, server in neighbours(testbed)]


@requirement("D14")
def test_large_transfers_arrive_whole_both_ways(testbed: Testbed, expect: Expect, family: str) -> None:
    """Ten megabytes over TCP arrive unchanged in both directions, between all nodes and on each."""
    findings, transfers, begun = [], list[Transfer](), time.monotonic()
    for client, server in neighbours(testbed):
        target = Target("tcp", server.ip(family), PORTS[0])
        transfer = testbed.probers[client.key].transfer(target, TRANSFER, stall=PATIENCE, timeout=LONGEST)
        transfers.append(transfer)
        if not transfer.whole:
            findings.append(Finding(client.key, f"10 MB to {server.key} and back", "all, unchanged", str(transfer)))
    expect.facts["MB per s"] = [round(transfer.rate) for transfer in transfers]
    of_time = all(transfer.whole or transfer.of_time for transfer in transfers)
    during = (begun, time.monotonic()) if of_time else None
    with expect.answering(to_neighbours(testbed, "tcp", PORTS[0], family)):
        expect.nothing(findings, "transfers do not arrive whole", during)


@requirement("D15")
def test_datagrams_larger_than_the_mtu_arrive_in_fragments(testbed: Testbed, expect: Expect, family: str) -> None:
    """A datagram of four kilobytes arrives and comes back, between all nodes and on each."""

    def wrong() -> list[Finding]:
        findings = []
        for client, server in neighbours(testbed):
            target = Target("udp", server.ip(family), PORTS[0])
            (outcome,) = testbed.probers[client.key].sizes(target, [DATAGRAM], fragment=True)
            if outcome != CONNECTED:
                findings.append(Finding(client.key, f"{DATAGRAM} bytes to {server.key}", CONNECTED, outcome))
        return findings

    with expect.answering(to_neighbours(testbed, "udp", PORTS[0], family)):
        expect.nothing_soon(wrong, "fragmented datagrams do not arrive")


def cpu_seconds(testbed: Testbed) -> float | None:
    """CPU seconds used so far on the first node's machine; None if no commands can be run on nodes.

    In a lab all nodes are one machine, elsewhere this is one of several: compare it only between runs of one cluster.
    """
    if NODE_COMMANDS not in testbed.cluster.capabilities:
        return None
    line = run_on(testbed.cluster, testbed.nodes[0], ["head", "-n1", "/proc/stat"]).out
    user, nice, system, _, _, interrupts, soft, *_ = map(int, line.split()[1:])
    return (user + nice + system + interrupts + soft) / TICKS


@requirement("D17")
@disturbs  # other cases would be its load
def test_many_short_connections_are_answered_soon(testbed: Testbed, expect: Expect, family: str) -> None:
    """Of 2,000 connections from each node at the same time at least 99 in 100 are answered within a second."""
    nodes = testbed.nodes
    pairs = [
        (testbed.pods_on(node)[0], testbed.pods_on(nodes[(index + 1) % len(nodes)])[-1])
        for index, node in enumerate(nodes)
    ]

    def storm(pair: tuple[ProbePod, ProbePod]) -> Finding | None:
        client, server = pair
        target = Target("tcp", server.ip(family), PORTS[1])
        rows = testbed.probers[client.key].probe([target], timeout=SOON, rounds=CONNECTIONS)[0]
        answered = sum(row.count for row in rows if row.outcome == CONNECTED)
        expect.facts[f"slowest from {client.key}"] = f"{max(row.worst_ms for row in rows):.0f} ms"
        if answered * 100 >= CONNECTIONS * 99:
            return None
        outcomes = ", ".join(f"{row.count} × {row.outcome}" for row in rows)
        return Finding(client.key, f"{CONNECTIONS} connections to {server.key}", "99 % connected", outcomes)

    flows = [to_pod(client.key, server, "tcp", PORTS[1], family) for client, server in pairs]
    before, begun = cpu_seconds(testbed), time.monotonic()
    with ThreadPoolExecutor(len(pairs)) as pool:
        lost = list(filter(None, pool.map(storm, pairs)))
    during = (begun, time.monotonic())
    total = CONNECTIONS * len(pairs)
    expect.facts["connections per s"] = round(total / (time.monotonic() - begun))
    if before is not None and (after := cpu_seconds(testbed)) is not None:
        expect.facts["CPU ms per connection"] = round(1000 * (after - before) / total, 3)
    with expect.answering(flows):
        expect.nothing(lost, "connections are lost or slow", during)
