"""`nox -s differential`: the oracle beside np-guard's analyzer, flow by flow, on worlds of the stage."""

from __future__ import annotations

import argparse
import itertools
import json
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from fixtures.progress import Progress
from fixtures.workspaces.objects import pod_object
from fixtures.workspaces.workspace import masked, with_peers
from policies import base_world, cases, covering, serialization
from policies.families import Family
from policies.histories import generate
from policies.model import EGRESS, INGRESS, NAMESPACE_LABEL, Policy, World
from policies.oracle import Decision, Query, reachability
from tests.differential.gaps import KNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.differential.gaps import Flow

HERE = Path(__file__).parent
STATES = 6  # of one random history
SHOWN = 5  # differences that are printed
COMPARED = "flows compared"


def worlds(states: int, seed: int) -> list[World]:
    """The covering array, every state of the corpus, and random states."""
    address = base_world.MODEL_IPS[base_world.OUTSIDE][0]
    found = [covering.world(row, address) for row in covering.array()]
    bare = base_world.build()
    found += [step.world(bare) for case in cases.corpus() for step in case.steps]
    return found + [world for history in generate(states // STATES, STATES, Family.IPV4, seed) for world in history]


def asked(world: World) -> tuple[list[Flow], list[bool]]:
    """The flows between two pods that the specification decides, and whether it allows each."""
    flows: list[Flow] = []
    allowed = []
    for protocol, port in base_world.FLOWS:
        found = reachability(world, Query(protocol, port))
        for one, other in itertools.permutations(base_world.KEYS, 2):
            verdict = found.decision(one, other)
            if verdict is not Decision.UNDEFINED:
                flows.append((one, other, protocol, port))
                allowed.append(verdict is Decision.ALLOWED)
    return flows, allowed


def plain(policy: Policy) -> Policy:
    """A policy without the rules that its types leave without effect."""
    ingress = policy.ingress if INGRESS in policy.types else ()
    return replace(policy, ingress=ingress, egress=policy.egress if EGRESS in policy.types else ())


def told(world: World, flows: list[Flow]) -> str:
    """A world as the other side reads it."""
    pods = []
    for pod in world.pods:
        made = pod_object(pod, pod.namespace, pod.node)
        made["status"] = {"podIP": pod.ips[0], "podIPs": [{"ip": ip} for ip in pod.ips], "hostIP": "192.0.2.11"}
        pods.append(made)
    namespaces = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": one.name, "labels": labels}}
        for one in world.namespaces
        for labels in [{**dict(one.labels), NAMESPACE_LABEL: one.name}]
    ]
    policies = [serialization.write(with_peers(policy, masked)) for policy in world.policies]
    return (
        json.dumps(
            {
                "policies": policies,
                "namespaces": namespaces,
                "pods": pods,
                "flows": [(one, other, protocol.upper(), port) for one, other, protocol, port in flows],
            }
        )
        + "\n"
    )


class Analyzer:
    """The other side, in its own environment."""

    def __init__(self, python: str) -> None:
        self.process = subprocess.Popen(
            [python, str(HERE / "ask.py")], stdin=-1, stdout=-1, stderr=subprocess.DEVNULL, text=True
        )

    def ask(self, text: str) -> Any:  # noqa: ANN401 - truth values, or words
        """Its answer to a world."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(text)
        self.process.stdin.flush()
        if not (line := self.process.stdout.readline()):
            sys.exit(
                f"netproof: the analyzer ended with {self.process.wait()}; run tests/differential/ask.py by hand."
            )
        return json.loads(line)


def differences(analyzer: Analyzer, world: World, gaps: Counter[str]) -> Iterator[str]:
    """The flows that both sides judge differently, and refusals that gaps.yaml does not know; counts the others."""
    known = yaml.safe_load((HERE / "gaps.yaml").read_text())
    flows, allowed = asked(world)
    said = analyzer.ask(told(world.with_policies(*map(plain, world.policies)), flows))
    if isinstance(said, str):
        if refusals := [row["refusal"] for row in known if said.startswith(row.get("refusal", "?"))]:
            gaps[refusals[0]] += 1
        else:
            yield f"refused: {said}"
        return
    gaps[COMPARED] += len(flows)
    for flow, ours, theirs in zip(flows, allowed, said, strict=True):
        if ours is theirs:
            continue
        if names := [row["flows"] for row in known if "flows" in row and KNOWN[row["flows"]](world, flow)]:
            gaps[names[0]] += 1
        else:
            yield f"{flow}: the oracle says {'allowed' if ours else 'denied'}, the analyzer the opposite"


def main() -> int:
    """Compare, and fail where anything differs that gaps.yaml does not explain."""
    parser = argparse.ArgumentParser("nox -s differential --", description=__doc__)
    parser.add_argument("--python", required=True, help="the interpreter that has the analyzer")
    parser.add_argument("--states", type=int, default=1200, help="random states beside corpus and covering array")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    analyzer, gaps, different = Analyzer(given.python), Counter[str](), []
    every = worlds(given.states, given.seed)
    with Progress().step("compare worlds") as step:
        for number, world in enumerate(every, 1):
            different += [(world, line) for line in differences(analyzer, world, gaps)]
            step.advance(number, len(every))
    for world, line in different[:SHOWN]:
        sys.stdout.write(f"{line}\n{yaml.safe_dump_all([serialization.write(policy) for policy in world.policies])}\n")
    count = gaps.pop(COMPARED)
    for words, times in gaps.items():
        sys.stdout.write(f"known gap, {times} times: {words}\n")
    sys.stdout.write(f"{len(every)} worlds, {count} decided flows between pods compared, {len(different)} differ\n")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
