"""Run the reference engine with one mutant after the other in a lab, and find the requirement that kills each."""

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
    from collections.abc import Iterator, Sequence

    from fixtures.workspaces.pool import WorkspacePool
    from fixtures.workspaces.probing import StateResult
    from fixtures.workspaces.workspace import Workspace
    from policies.cases import Case
    from tests.sensitivity.catalogue import Mutant

T = TypeVar("T")

# Files on every node; tests/sensitivity/mutants/__main__.py has the same paths.
REQUESTED_FILE = "/run/netproof-mutant"  # the requested mutant, and a random token that makes each request unique
ACTIVE_FILE = "/run/netproof-mutant.active"  # the request that the engine has applied
ERROR_FILE = "/run/netproof-mutant.broken"  # errors of the engine
ERROR_IS_THE_BUG = {"M135", "M165"}  # mutants that write a table which the kernel refuses
SAVED_FILE = "/run/netproof-mutant.objects"  # what a mutant keeps for the next process of the engine
ACTIVE_PATIENCE = 20.0  # seconds until every node runs a mutant; our patience, it takes about one
# Requirements that no case in a workspace checks, but cases that create pods of their own, in these suites.
WITH_OWN_PODS = frozenset(requirements.load()) - {name for case in cases.corpus() for name in case.requirements}
SUITES = (
    *(f"networkpolicy/test_{name}.py" for name in ("lifecycle", "recreated", "packets", "open_questions")),
    *(f"networkpolicy/test_{name}.py" for name in ("edits", "late_cleanup", "similar_names")),
    "motion",
    "services/test_dns.py",
)
LONGEST_ERROR = 300  # characters of an error in the result
PATIENCE = 3.0  # seconds until a wrong state counts; the engine without a mutant takes a tenth
HISTORIES, STATES = 20, 6  # random histories, and states of each, for a mutant that every case leaves alive
PROFILE = ambiguities.PROFILES["packet-filter"]


@dataclass(frozen=True)
class MutantResult:
    """The result of running a mutant: killed, survived, or invalid.

    Attributes:
        mutant: the mutant.
        killed_by: the case that killed it; "" if it survived.
        requirements: the requirements of that case.
        seconds: from the first flow to the wrong one.
        wrong_flows: number of wrong flows in the case.
        error: the engine's error on the nodes if the mutant is invalid, that is, if the engine could not work with it.
    """

    mutant: Mutant
    killed_by: str = ""
    requirements: tuple[str, ...] = ()
    seconds: float = 0.0
    wrong_flows: int = 0
    error: str = ""

    @property
    def as_expected(self) -> bool:
        """Whether a requirement that is expected to kill the mutant did so."""
        return not self.error and bool(set(self.requirements) & set(self.mutant.requirements))


def mutate(pool: WorkspacePool, name: str) -> None:
    """Restart the engine of every node with a mutant, or with none if the name is "", and wait until it is active.

    Raises:
        NeverHappenedError: the engine of a node does not run the mutant within ACTIVE_PATIENCE.
    """
    testbed = pool.testbed
    request = f"{name} {secrets.token_hex(4)}"
    script = f"rm -f {ERROR_FILE} {SAVED_FILE}; echo '{request}' > {REQUESTED_FILE}"

    def write(node: str) -> None:
        run_on(testbed.cluster, node, ["sh", "-c", script])

    def is_active(node: str) -> bool:
        done = run_on(testbed.cluster, node, ["cat", ACTIVE_FILE], check=False)
        return done.code == 0 and done.out.strip() == request.strip()

    with ThreadPoolExecutor(len(testbed.nodes)) as threads:
        list(threads.map(write, testbed.nodes))
    waiting.until(lambda: all(is_active(node) for node in testbed.nodes), f"mutant {name}", patience=ACTIVE_PATIENCE)


def run_mutant(pool: WorkspacePool, mutant: Mutant) -> MutantResult:
    """Run the cases written for a mutant, then all others, then generated states, until one of them kills it.

    A mutant on no list has to be killed by generated states.

    Every case kills a mutant with which the engine does not work at all, and that proves nothing: its result has the
    error of the engine.
    """
    mutate(pool, mutant.id)
    begun = time.monotonic()
    if not mutant.listed:
        result = _by_generated(pool, mutant)
    elif required := WITH_OWN_PODS & set(mutant.requirements):
        result = _by_suites(pool, mutant, required)
    else:
        result = _by_corpus(pool, mutant) or _by_generated(pool, mutant)
    result = replace(result, seconds=time.monotonic() - begun)
    return result if mutant.id in ERROR_IS_THE_BUG else replace(result, error=engine_errors(pool)[:LONGEST_ERROR])


def engine_errors(pool: WorkspacePool) -> str:
    """The errors of the engine on all nodes since the last call of mutate; "" if there are none."""
    cluster, nodes = pool.testbed.cluster, pool.testbed.nodes
    outputs = [run_on(cluster, node, ["cat", ERROR_FILE], check=False).out for node in nodes]
    return "; ".join(output for output in outputs if output)


def _by_suites(pool: WorkspacePool, mutant: Mutant, required: frozenset[str]) -> MutantResult:
    failed = failed_requirements(pool, mutant, required)
    return MutantResult(mutant, "a case of its own", failed, wrong_flows=1) if failed else MutantResult(mutant)


def _by_corpus(pool: WorkspacePool, mutant: Mutant) -> MutantResult | None:
    """The result if a case of the corpus kills the mutant; None if none does."""
    written_for_it = [case for case in cases.corpus() if mutant.id in case.bugs]
    others = [case for case in cases.corpus() if case not in written_for_it]
    for batch in (written_for_it, *_chunks(others, len(pool.workspaces))):
        for case, state in _killing_cases(pool, batch, mutant):
            return MutantResult(mutant, case.id, case.requirements, wrong_flows=len(state.wrong))
    return None


def _by_generated(pool: WorkspacePool, mutant: Mutant) -> MutantResult:
    state = _killing_state(pool, mutant)
    if state is None:
        return MutantResult(mutant)
    return MutantResult(mutant, "generated", mutant.requirements, wrong_flows=len(state.wrong))


def failed_requirements(pool: WorkspacePool, mutant: Mutant, required: frozenset[str]) -> tuple[str, ...]:
    """Run the cases of some requirements in SUITES, in a process of their own; ids of the requirements that failed."""
    testbed = pool.testbed
    lab = testbed.cluster.kubeconfig.parent
    testbed.save(lab)
    out = lab / f"apart-{mutant.id}"
    files = [f"suites/{name}" for name in SUITES]
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        *files,
        "--attach",
        str(lab),
        "--only",
        ",".join(sorted(required)),
    ]
    subprocess.run([*command, "--no-page", "--out", str(out)], cwd=paths.ROOT, capture_output=True, check=False)
    rows = json.loads((out / "verdict.json").read_text())["requirements"]
    return tuple(row["id"] for row in rows if row["verdict"] == "failed")


def _chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    return (items[start : start + size] for start in range(0, len(items), size))


def _judge(pool: WorkspacePool, mutant: Mutant, *, far: bool = False) -> Judge:
    return Judge(queries(Family(mutant.family), pool.protocols, far=far), PROFILE, agree=1, patience=PATIENCE)


def _killing_cases(pool: WorkspacePool, batch: Sequence[Case], mutant: Mutant) -> list[tuple[Case, StateResult]]:
    """The cases that kill the mutant, with their wrong states; first those of requirements expected to kill it."""
    judge = _judge(pool, mutant)

    def last_state(workspace: Workspace, case: Case) -> StateResult:
        return run_case(workspace, case, judge)[-1]

    results = pool.run(batch, last_state, f"{mutant.id}: cases")
    killing = [(case, state) for case, state in results if state.found]
    expected = set(mutant.requirements)
    return sorted(killing, key=lambda row: not expected & set(row[0].requirements))


def _killing_state(pool: WorkspacePool, mutant: Mutant) -> StateResult | None:
    """The first wrong state of the covering array and of random histories; None if all are right."""
    address = base_world.MODEL_IPS[base_world.OUTSIDE][mutant.family == "ipv6"]
    rows = [*covering.histories(address, STATES), *generate(HISTORIES, STATES, Family(mutant.family), 1)]
    return search(pool, rows, _judge(pool, mutant, far=True).with_few_services(), f"{mutant.id}: generated").seen
