"""Put mutants into the engine of a running lab and see which requirement finds each."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from fixtures import paths, waiting
from fixtures.clusters.protocol import run_on
from fixtures.workspaces.judge import Judge, queries
from fixtures.workspaces.runner import run_case, search
from policies import ambiguities, base_world, cases, covering, requirements
from policies.families import Family
from policies.histories import generate

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from fixtures.workspaces.pool import WorkspacePool
    from fixtures.workspaces.probing import StateResult
    from fixtures.workspaces.workspace import Workspace
    from policies.cases import Case
    from policies.model import World
    from tests.sensitivity.catalogue import Mutant

T = TypeVar("T")

WANTED, ACTIVE, BROKEN = (f"/run/netproof-mutant{end}" for end in ("", ".active", ".broken"))
REFUSED = {"M135", "M165"}  # they are about a table that the kernel refuses
ACTIVE_PATIENCE = 20.0  # seconds until every node runs a mutant; our patience, it takes about one
# Requirements that no stage answers for: they are asked by cases with pods of their own.
APART = frozenset(requirements.load()) - {name for case in cases.corpus() for name in case.requirements}
SUITES = ("lifecycle", "recreated", "packets", "open_questions")  # where those cases are
LONGEST = 300  # characters of what a broken mutant says
PATIENCE = 3.0  # seconds until a wrong state counts; the engine without mutant takes a tenth
HISTORIES, STATES = 20, 6  # random ones, for what no case finds
PROFILE = ambiguities.PROFILES["packet-filter"]


@dataclass(frozen=True)
class Kill:
    """How a mutant ended.

    Attributes:
        mutant: the mutant.
        by: the case that found it; "" for a survivor.
        requirements: those that the case answers for.
        seconds: from the first flow to the wrong one.
        wrong: how many flows were wrong.
        broken: what the nodes said, where the mutant could not do its work at all.
    """

    mutant: Mutant
    by: str = ""
    requirements: tuple[str, ...] = ()
    seconds: float = 0.0
    wrong: int = 0
    broken: str = ""

    @property
    def related(self) -> bool:
        """Whether a requirement found it that is meant to."""
        return not self.broken and bool(set(self.requirements) & set(self.mutant.requirements))


def mutate(pool: WorkspacePool, name: str) -> None:
    """Let every node run a mutant; the engine as it is for no name.

    Raises:
        NeverHappenedError: a node does not.
    """
    testbed = pool.testbed
    wish = f"{name} {secrets.token_hex(4)}"

    def write(node: str) -> None:
        run_on(testbed.cluster, node, ["sh", "-c", f"rm -f {BROKEN}; echo '{wish}' > {WANTED}"])

    def runs(node: str) -> bool:
        done = run_on(testbed.cluster, node, ["cat", ACTIVE], check=False)
        return done.code == 0 and done.out.strip() == wish.strip()

    with ThreadPoolExecutor(len(testbed.nodes)) as threads:
        list(threads.map(write, testbed.nodes))
    waiting.until(lambda: all(runs(node) for node in testbed.nodes), f"mutant {name}", patience=ACTIVE_PATIENCE)


def hunt(pool: WorkspacePool, mutant: Mutant) -> Kill:
    """Try the cases that are for a mutant, then all others, then generated states, until one goes wrong.

    A mutant that does not work at all is found by every case, which proves nothing: the kill says so.
    """
    mutate(pool, mutant.id)
    kill = _hunt(pool, mutant)
    return kill if mutant.id in REFUSED else replace(kill, broken=broken(pool)[:LONGEST])


def broken(pool: WorkspacePool) -> str:
    """What the nodes say of a mutant that could not do its work."""
    cluster, nodes = pool.testbed.cluster, pool.testbed.nodes
    return "; ".join(found for node in nodes if (found := run_on(cluster, node, ["cat", BROKEN], check=False).out))


def _hunt(pool: WorkspacePool, mutant: Mutant) -> Kill:
    begun = time.monotonic()
    if ids := APART & set(mutant.requirements):
        if failed := ask_apart(pool, mutant, ids):
            return Kill(mutant, "a case of its own", failed, time.monotonic() - begun, 1)
        return Kill(mutant, seconds=time.monotonic() - begun)
    meant = [case for case in cases.corpus() if mutant.id in case.bugs]
    others = [case for case in cases.corpus() if case not in meant]
    for some in (meant, *_chunks(others, len(pool.workspaces))):
        for case, seen in _wrong(pool, some, mutant):
            return Kill(mutant, case.id, case.requirements, time.monotonic() - begun, len(seen.wrong))
    if generated := _generated(pool, mutant):
        return Kill(mutant, "generated", mutant.requirements, time.monotonic() - begun, len(generated.wrong))
    return Kill(mutant, seconds=time.monotonic() - begun)


def ask_apart(pool: WorkspacePool, mutant: Mutant, ids: frozenset[str]) -> tuple[str, ...]:
    """Which of these requirements do not hold, asked in a process of their own."""
    testbed = pool.testbed
    lab = testbed.cluster.kubeconfig.parent
    testbed.save(lab)
    out = lab / f"apart-{mutant.id}"
    files = [f"suites/networkpolicy/test_{name}.py" for name in SUITES]
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        *files,
        "--attach",
        str(lab),
        "--only",
        ",".join(sorted(ids)),
        "--no-page",
        "--out",
        str(out),
    ]
    subprocess.run(command, cwd=paths.ROOT, capture_output=True, check=False)
    rows = json.loads((out / "verdict.json").read_text())["requirements"]
    return tuple(row["id"] for row in rows if row["verdict"] == "failed")


def _chunks(some: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    return (some[start : start + size] for start in range(0, len(some), size))


def _wrong(pool: WorkspacePool, some: Sequence[Case], mutant: Mutant) -> Iterable[tuple[Case, StateResult]]:
    """The cases that go wrong, those that a meant requirement has first."""
    judge = Judge(queries(Family(mutant.family), pool.protocols), PROFILE, agree=1, patience=PATIENCE)

    def attempt(live: Workspace, case: Case) -> StateResult:
        return run_case(live, case, judge)[-1]

    played = pool.run(some, attempt, f"{mutant.id}: cases")
    found = [(case, seen) for case, seen in played if not seen.dead and seen.wrong]
    wanted = set(mutant.requirements)
    return sorted(found, key=lambda row: not wanted & set(row[0].requirements))


def _generated(pool: WorkspacePool, mutant: Mutant) -> StateResult | None:
    judge = Judge(queries(Family(mutant.family), pool.protocols), PROFILE, agree=1, patience=PATIENCE)
    address = base_world.MODEL_IPS[base_world.OUTSIDE][mutant.family == "ipv6"]
    rows: list[tuple[World, ...]] = [(covering.world(row, address),) for row in covering.array()]
    rows += generate(HISTORIES, STATES, Family(mutant.family), 1)
    found = search(pool, rows, judge, f"{mutant.id}: generated")
    return found.seen
