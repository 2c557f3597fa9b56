"""`nox -s bench`: how fast this machine's lab is, with ratios, because times drift and ratios hold.

lab ready        API, nodes, plugin, probe pods answering
pod start rate   24 new pods until the API calls them Ready
matrix           12 × 12 pods × 3 ports × 2 protocols, everything reachable, and with half of it dropped
exec per probe   the same probe with an exec of its own, which is how other tools do it
oracle           all pairs of a world on one port (beside cyclonus: tests/bench/oracle.py --cyclonus PATH)
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
SUSTAINED = 20  # rounds in one batch: more would measure how full conntrack is
PODS = 24
EXECS = 20


def flows(testbed: Testbed, denied: frozenset[str] = frozenset()) -> list[Flow]:
    """The whole matrix; cells to denied addresses are expected not to get through."""
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


def timed(testbed: Testbed, wanted: Sequence[Flow], rounds: int = 1) -> float:
    """Seconds for the matrix; a wrong cell makes the figure worthless, so it ends the bench."""
    for node in testbed.nodes:  # what earlier rounds left in conntrack makes this one slower
        run_on(testbed.cluster, node, ["conntrack", "-F"])
    begun = time.perf_counter()
    seen = sending.observe(testbed.probers, wanted, rounds=rounds)
    seconds = time.perf_counter() - begun
    if wrong := sending.compare(wanted, seen):
        sys.exit(f"netproof: the matrix is not right, so its time means nothing: {wrong[0]}")
    return seconds


def drop_half(testbed: Testbed) -> frozenset[str]:
    """Drop what goes to the pods of the second namespace, on every node; their addresses."""
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
    """Seconds until PODS new pods are Ready."""
    nodes = testbed.nodes
    plans = [probe_pods.PodPlan("netproof-bench", f"p{i}", nodes[i % len(nodes)]) for i in range(PODS)]
    testbed.kube.apply([probe_pods.namespace_object("netproof-bench")])
    testbed.kube.wait_for_account("netproof-bench")
    begun = time.perf_counter()
    probe_pods.create(testbed.kube, plans)
    return time.perf_counter() - begun


def one_exec_per_probe(testbed: Testbed) -> float:
    """Seconds per probe when each opens an exec of its own, as many at a time as there are pods."""
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
    """Probes per second of one agent to another over loopback: what the machine gives without any network."""
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
    """The rows of the table."""
    whole = flows(testbed)
    timed(testbed, whole)
    once = statistics.median(timed(testbed, whole) for _ in range(REPEATS))
    sustained = statistics.median(timed(testbed, whole, SUSTAINED) for _ in range(REPEATS)) / SUSTAINED
    loopback = on_loopback()
    yardstick = bare.rate()
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
        ("bare TCP on loopback, nothing checked", "", f"{yardstick:,.0f} connections/s"),
        ("matrix, sustained, to bare TCP", "", f"{count / sustained / yardstick:.2f}"),
        ("matrix, half of it dropped", f"{half:.2f} s", f"{half / DENY_TIMEOUT:.2f} × the deny timeout"),
        ("one exec per probe", f"{single * 1000:.0f} ms each", f"{single * count / once:,.0f} × the matrix' time"),
    ]


def main() -> int:
    """Bring a lab up, measure, show."""
    lifeline.die_with_starter()
    with tempfile.TemporaryDirectory(prefix="netproof-bench-") as folder:
        provider = lab(Path(folder))
        try:
            testbed = provider.up()
            table = Table("what", "time", "rate or ratio", box=None)
            for row in (*measure(testbed), *oracle.rows(None)):
                table.add_row(*row)
            testbed.forget_probers()
        finally:
            provider.down()
    Console().print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
