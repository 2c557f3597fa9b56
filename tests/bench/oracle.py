"""Benchmark the oracle: all pairs of a world on one port, compared with cyclonus if its program is given.

python -m tests.bench.oracle [--cyclonus PATH]
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml
from rich.console import Console
from rich.table import Table

from policies import serialization
from policies.endpoint_index import Index
from policies.model import (
    EGRESS,
    EVERYTHING,
    INGRESS,
    IpBlock,
    Namespace,
    Pod,
    PodPeer,
    Policy,
    PortRule,
    Rule,
    Selector,
    World,
    labels,
)
from policies.oracle import Query, reachability

SIZES = ((800, 200), (10_000, 1_000))
REPEATS = 5
QUERY = Query("tcp", 80)


def world(pods: int, policies: int) -> World:
    """Make a world with 100 pods per namespace; a policy has two rules per direction with two peers each."""
    chance = random.Random(1)  # noqa: S311 - the same world every time
    names = [f"n{number}" for number in range(max(2, pods // 100))]

    def selector() -> Selector:
        return Selector(((f"k{chance.randrange(3)}", f"v{chance.randrange(4)}"),))

    def rule() -> Rule:
        kinds = (
            PodPeer(None, selector()),
            PodPeer(EVERYTHING, selector()),
            PodPeer(selector(), None),
            IpBlock("10.0.0.0/16", ("10.0.1.0/24",)),
        )
        return Rule((chance.choice(kinds), chance.choice(kinds)), (PortRule("tcp", 80),))

    def policy(number: int) -> Policy:
        types = chance.choice(({INGRESS}, {EGRESS}, {INGRESS, EGRESS}))
        subject = chance.choice((EVERYTHING, selector()))
        two = (rule(), rule())
        return Policy(chance.choice(names), f"p{number}", subject, frozenset(types), two, (rule(), rule()))

    def pod(number: int) -> Pod:
        own_labels = labels({f"k{key}": f"v{chance.randrange(4)}" for key in range(3)})
        return Pod(chance.choice(names), f"p{number}", own_labels, f"node{number % 50}", (address(number),))

    spaces = tuple(Namespace(name, labels({"k0": f"v{n % 4}"})) for n, name in enumerate(names))
    return World(spaces, tuple(pod(n) for n in range(pods)), tuple(policy(n) for n in range(policies)))


def address(number: int) -> str:
    """Return the address in 10.0.0.0/8 of a pod's number."""
    return f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"


def seconds(evaluated: World) -> float:
    """Return the median seconds to decide all pairs, including the index."""

    def once() -> float:
        begun = time.perf_counter()
        reachability(evaluated, QUERY, index=Index(evaluated))
        return time.perf_counter() - begun

    return statistics.median(once() for _ in range(REPEATS))


def cyclonus(program: Path, evaluated: World) -> float:
    """Return the seconds in which cyclonus decides all pairs, including its printed tables."""
    pods = [
        {
            "Namespace": pod.namespace,
            "Name": pod.name,
            "Labels": dict(pod.labels),
            "IP": pod.ips[0],
            "Containers": [{"Name": "c", "Port": 80, "Protocol": "TCP"}],
        }
        for pod in evaluated.pods
    ]
    resources = {"Namespaces": {ns.name: ns.all_labels() for ns in evaluated.namespaces}, "Pods": pods}
    probe = {"Probes": [{"Protocol": "TCP", "Port": 80}], "Resources": resources}
    with tempfile.TemporaryDirectory() as folder:
        policies, model = Path(folder) / "policies", Path(folder) / "probe.json"
        policies.mkdir()
        for number, policy in enumerate(evaluated.policies):
            (policies / f"{number}.yaml").write_text(yaml.safe_dump(serialization.write(policy)))
        model.write_text(json.dumps(probe))
        command = [
            str(program),
            "analyze",
            "--mode",
            "probe",
            "--policy-path",
            str(policies),
            "--probe-path",
            str(model),
        ]
        begun = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return time.perf_counter() - begun


def rows(program: Path | None) -> list[tuple[str, str, str]]:
    """Return the rows of the table: name, time, rate or ratio.

    Args:
        program: cyclonus; None leaves it out.
    """
    result = []
    for pods, policies in SIZES:
        evaluated = world(pods, policies)
        duration = seconds(evaluated)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
        name = f"oracle, {pods:,} pods × {policies:,} policies"
        result.append(
            (name, f"{duration * 1000:.0f} ms", f"{pods * pods / duration / 1e6:,.0f} million pairs/s, {peak} MiB")
        )
        if program is not None and pods == SIZES[0][0]:
            reference = cyclonus(program, evaluated)
            ratio = f"{reference / duration:,.0f} × the oracle's time"
            result.append(("cyclonus, the same world", f"{reference:.1f} s", ratio))
    return result


def main() -> int:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cyclonus", type=Path, help="its program, from go install …/cyclonus/cmd/cyclonus@v0.5.6")
    table = Table("measurement", "time", "rate or ratio", box=None)
    for row in rows(parser.parse_args().cyclonus):
        table.add_row(*row)
    Console().print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
