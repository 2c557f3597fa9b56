"""`nox -s bench`: benchmark the lab on this machine. Ratios are comparable between machines and runs, times are not.

lab ready        until API, nodes, plugin and probe pods are ready
pod start rate   until 24 new pods are Ready
matrix           12 × 12 pods × 3 ports × 2 protocols, all of it reachable, and with half of it dropped
exec per probe   an exec for each probe, as other tools do it
oracle           all pairs of a world on one port (compared with cyclonus: tests/bench/oracle.py --cyclonus PATH)
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from fixtures import lifeline, waiting
from fixtures.clusters.protocol import run_on
from fixtures.probes import pods as probe_pods
from fixtures.probes import sending
from fixtures.probes.prober import DENY_TIMEOUT, Prober
from fixtures.probes.stream import HostStream, PodStream
from policies.flow import DENIED, Flow, Target
from tests.bench import bare, oracle
from tests.support.open_lab import lab

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fixtures.testbed.testbed import Testbed

REPEATS = 7
SUSTAINED = 20  # rounds in one batch: with more, the size of the conntrack table matters
PODS = 24
EXECS = 20


def flows(testbed: Testbed, denied: frozenset[str] = frozenset()) -> list[Flow]:
    """Return the flows between all pods on all ports; those to denied addresses are expected to be denied."""
    return [
        Flow(
            client,
            server.key,
            Target(protocol, server.ip(), port),
            outcome=DENIED if server.ip() in denied else "connected",
            server=server.key,
        )
        for client in testbed.pods
        for server in testbed.pods.values()
        for port in probe_pods.PORTS
        for protocol in ("tcp", "udp")
    ]


def timed(testbed: Testbed, expected: Sequence[Flow], rounds: int = 1) -> float:
    """Probe a matrix; returns the seconds of all rounds.

    Raises:
        SystemExit: a flow is not as expected, so the figure would be meaningless.
    """
    for node in testbed.nodes:  # entries of earlier rounds would make this one slower
        run_on(testbed.cluster, node, ["conntrack", "-F"])
    begun = time.perf_counter()
    observed = sending.observe(testbed.probers, expected, rounds=rounds)
    seconds = time.perf_counter() - begun
    if wrong := sending.compare(expected, observed):
        sys.exit(f"netproof: a flow is wrong, so the time of the matrix is meaningless: {wrong[0]}")
    return seconds


def drop_half(testbed: Testbed) -> frozenset[str]:
    """Drop traffic to the pods of the second namespace on every node; returns their addresses."""
    denied = [pod.ip() for pod in testbed.pods.values() if pod.namespace.endswith("y")]
    script = "; ".join(
        f"iptables -w -I FORWARD -d {ip} -m conntrack --ctstate NEW -j DROP; iptables -w -I INPUT -d {ip} -j DROP"
        for ip in denied
    )
    for node in testbed.nodes:
        run_on(testbed.cluster, node, ["sh", "-ec", script])
    # A pod reaches itself over its own loopback, where no rule of the node applies.
    return frozenset(denied)


def start_pods(testbed: Testbed) -> float:
    """Create PODS pods; returns the seconds until all are Ready."""
    nodes = testbed.nodes
    plans = [probe_pods.PodPlan("netproof-bench", f"p{i}", nodes[i % len(nodes)]) for i in range(PODS)]
    testbed.kube.apply([probe_pods.namespace_object("netproof-bench")])
    testbed.kube.wait_for_account("netproof-bench")
    begun = time.perf_counter()
    probe_pods.create(testbed.kube, plans)
    return time.perf_counter() - begun


def one_exec_per_probe(testbed: Testbed) -> float:
    """Return the seconds per probe if each opens an exec, with as many at a time as there are pods."""
    pods = list(testbed.pods.values())
    target = Target("tcp", pods[0].ip(), probe_pods.PORTS[0])

    def probe(number: int) -> None:
        pod = pods[number % len(pods)]
        command = ["python3", "-S", "-B", "/netproof/main.py", "probe"]
        stream = PodStream(testbed.kube, pod.namespace, pod.name, command)
        prober = Prober(pod.key, stream)
        prober.probe([target])
        prober.close()

    begun = time.perf_counter()
    with ThreadPoolExecutor(len(pods)) as pool:
        list(pool.map(probe, range(EXECS)))
    return (time.perf_counter() - begun) / EXECS


def on_loopback() -> float:
    """Return the probes per second of one agent to another over loopback, without pods and their network."""
    ports = (45678, 45679, 45680)
    main = [sys.executable, "-S", "-B", str(probe_pods.AGENT / "main.py")]
    rounds = 2000
    targets = [Target(protocol, "127.0.0.1", port) for port in ports for protocol in ("tcp", "udp")]
    with subprocess.Popen([*main, "serve", *map(str, ports)]) as server:
        prober = Prober("loopback", HostStream([*main, "probe"], "this host"))
        waiting.until(lambda: prober.probe(targets)[0][0].outcome == "connected", "an answer", patience=10)
        begun = time.perf_counter()
        prober.probe(targets, rounds=rounds)
        seconds = time.perf_counter() - begun
        prober.close()
        server.kill()
    return rounds * len(targets) / seconds


def measure(testbed: Testbed) -> list[tuple[str, str, str]]:
    """Return the rows of the table: name, time, rate or ratio."""
    whole = flows(testbed)
    timed(testbed, whole)
    once = statistics.median(timed(testbed, whole) for _ in range(REPEATS))
    sustained = statistics.median(timed(testbed, whole, SUSTAINED) for _ in range(REPEATS)) / SUSTAINED
    loopback = on_loopback()
    upper_bound = bare.rate()
    single = one_exec_per_probe(testbed)
    started = start_pods(testbed)
    denied = drop_half(testbed)
    halved = [f for f in flows(testbed, denied) if testbed.pods[f.source].ip() != f.target.host]
    half = statistics.median(timed(testbed, halved) for _ in range(REPEATS))
    count = len(whole)
    return [
        ("lab ready", f"{testbed.facts['ready_seconds']:.1f} s", ""),
        (f"{PODS} pods until Ready", f"{started:.2f} s", f"{PODS / started:.0f} pods/s"),
        (f"matrix of {count} probes, once", f"{once * 1000:.0f} ms", f"{count / once:,.0f} probes/s"),
        ("matrix, sustained", f"{sustained * 1000:.0f} ms", f"{count / sustained:,.0f} probes/s"),
        ("one agent to another on loopback", "", f"{loopback:,.0f} probes/s"),
        ("matrix, sustained, to loopback", "", f"{count / sustained / loopback:.2f}"),
        ("bare TCP on loopback, no checks", "", f"{upper_bound:,.0f} connections/s"),
        ("matrix, sustained, to bare TCP", "", f"{count / sustained / upper_bound:.2f}"),
        ("matrix, half of it dropped", f"{half:.2f} s", f"{half / DENY_TIMEOUT:.2f} × the deny timeout"),
        ("one exec per probe", f"{single * 1000:.0f} ms each", f"{single * count / once:,.0f} × the matrix' time"),
    ]


def main() -> int:
    """Bring a lab up, measure, and print the table."""
    lifeline.die_with_starter()
    with tempfile.TemporaryDirectory(prefix="netproof-bench-") as folder:
        provider = lab(Path(folder))
        try:
            testbed = provider.up()
            table = Table("measurement", "time", "rate or ratio", box=None)
            for row in (*measure(testbed), *oracle.rows(None)):
                table.add_row(*row)
            testbed.forget_probers()
        finally:
            provider.down()
    Console().print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
