"""`nox -s differential`: compare the oracle with np-guard's analyzer, flow by flow, on worlds of six pods."""

from __future__ import annotations

import argparse
import itertools
import json
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from fixtures.progress import Progress
from fixtures.workspaces.objects import pod_object
from fixtures.workspaces.workspace import masked, with_peers
from policies import base_world, cases, covering, layouts, serialization
from policies.families import Family
from policies.histories import generate
from policies.model import EGRESS, INGRESS, NAMESPACE_LABEL, Policy, World
from policies.oracle import Decision, Query, reachability
from tests.differential.gaps import KNOWN, known_gaps

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.differential.gaps import Flow

HERE = Path(__file__).parent
STATES = 6  # of one random history
PRINTED = 5  # differences
COMPARED = "flows compared"  # key of a counter, beside the known gaps


def worlds(states: int, seed: int) -> list[World]:
    """Return the worlds of the covering array, of every state of the corpus, and of a number of random states."""
    address = base_world.MODEL_IPS[base_world.OUTSIDE][0]
    result = [covering.world(row, address) for row in covering.array()]
    base = base_world.build()
    result += [step.world(base) for case in cases.corpus() for step in case.steps]
    return result + [
        layouts.in_base(world)
        for history in generate(states // STATES, STATES, Family.IPV4, seed)
        for world in history
    ]


def decided_flows(world: World) -> tuple[list[Flow], list[bool]]:
    """Return the flows between two pods that the specification decides, and whether the oracle allows each."""
    flows: list[Flow] = []
    allowed = []
    for protocol, port in base_world.FLOWS:
        reachable = reachability(world, Query(protocol, port))
        for client, server in itertools.permutations(base_world.KEYS, 2):
            decision = reachable.decision(client, server)
            if decision is not Decision.UNDEFINED:
                flows.append((client, server, protocol, port))
                allowed.append(decision is Decision.ALLOWED)
    return flows, allowed


def without_idle_rules(policy: Policy) -> Policy:
    """Return a policy without rules of a direction that its policyTypes lack; they have no effect."""
    ingress = policy.ingress if INGRESS in policy.types else ()
    return replace(policy, ingress=ingress, egress=policy.egress if EGRESS in policy.types else ())


def to_json(world: World, flows: list[Flow]) -> str:
    """Write a world and flows as a line of input for ask.py."""
    pods = []
    for pod in world.pods:
        manifest = pod_object(pod, pod.namespace, pod.name, pod.node)
        manifest["status"] = {"podIP": pod.ips[0], "podIPs": [{"ip": ip} for ip in pod.ips], "hostIP": "192.0.2.11"}
        pods.append(manifest)
    namespaces = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace.name, "labels": labels}}
        for namespace in world.namespaces
        for labels in [{**dict(namespace.labels), NAMESPACE_LABEL: namespace.name}]
    ]
    policies = [serialization.write(with_peers(policy, masked)) for policy in world.policies]
    return (
        json.dumps(
            {
                "policies": policies,
                "namespaces": namespaces,
                "pods": pods,
                "flows": [(client, server, protocol.upper(), port) for client, server, protocol, port in flows],
            }
        )
        + "\n"
    )


class Analyzer:
    """np-guard's analyzer in a process of its own.

    Args:
        python: the interpreter of the environment that has the analyzer.
    """

    def __init__(self, python: str) -> None:
        self.process = subprocess.Popen(
            [python, str(HERE / "ask.py")], stdin=-1, stdout=-1, stderr=subprocess.DEVNULL, text=True
        )

    def analyze(self, text: str) -> list[bool] | str:
        """Send a line that `to_json` wrote; returns whether each flow is allowed, or the message of a rejection.

        Raises:
            SystemExit: the process ended.
        """
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(text)
        self.process.stdin.flush()
        if not (line := self.process.stdout.readline()):
            sys.exit(
                f"netproof: the analyzer ended with {self.process.wait()}; run tests/differential/ask.py by hand."
            )
        result: list[bool] | str = json.loads(line)
        return result


def differences(analyzer: Analyzer, world: World, gaps: Counter[str]) -> Iterator[str]:
    """Yield the unknown differences between oracle and analyzer, and unknown rejections.

    Args:
        analyzer: the analyzer.
        world: the world to compare.
        gaps: counts what gaps.yaml explains by its key, and compared flows as COMPARED.
    """
    known = known_gaps()
    flows, allowed = decided_flows(world)
    result = analyzer.analyze(to_json(world.with_policies(*map(without_idle_rules, world.policies)), flows))
    if isinstance(result, str):
        if refusals := [row.refusal for row in known if row.refusal and result.startswith(row.refusal)]:
            gaps[refusals[0]] += 1
        else:
            yield f"rejected: {result}"
        return
    gaps[COMPARED] += len(flows)
    for flow, expected, analyzed in zip(flows, allowed, result, strict=True):
        if expected is analyzed:
            continue
        if names := [row.flows for row in known if row.flows and KNOWN[row.flows](world, flow)]:
            gaps[names[0]] += 1
        else:
            yield f"{flow}: the oracle {'allows' if expected else 'denies'} it, the analyzer does the opposite"


def main() -> int:
    """Compare all worlds; returns 1 if gaps.yaml does not explain a difference, otherwise 0."""
    parser = argparse.ArgumentParser("nox -s differential --", description=__doc__)
    parser.add_argument("--python", required=True, help="the interpreter that has the analyzer")
    parser.add_argument("--states", type=int, default=1200, help="random states beside corpus and covering array")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    analyzer, gaps, different = Analyzer(options.python), Counter[str](), []
    all_worlds = worlds(options.states, options.seed)
    with Progress().step("compare worlds") as step:
        for number, world in enumerate(all_worlds, 1):
            different += [(world, line) for line in differences(analyzer, world, gaps)]
            step.advance(number, len(all_worlds))
    for world, line in different[:PRINTED]:
        sys.stdout.write(f"{line}\n{yaml.safe_dump_all([serialization.write(policy) for policy in world.policies])}\n")
    count = gaps.pop(COMPARED)
    for gap, times in gaps.items():
        sys.stdout.write(f"known gap, {times} times: {gap}\n")
    sys.stdout.write(
        f"{len(all_worlds)} worlds, {count} decided flows between pods compared, {len(different)} differ\n"
    )
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
