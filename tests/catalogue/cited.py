"""Find the file of each requirement, the cases that check it, and the tests and breaks that make it fail."""

from __future__ import annotations

import ast
import re
import subprocess
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from fixtures import paths
from fixtures.cnis import catalogue as plugins
from fixtures.faults import catalogue as faults
from policies import cases as corpus
from policies import datafile, requirements
from tests.lab import breaks
from tests.sensitivity import catalogue as mutants

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from policies.requirements import Requirement

RECOVERY = "tests/unit/suites/test_recovery.py::test_a_fault_fails_if_traffic_or_state_recover_by_another_remedy"
REDS = Path(__file__).parent / "reds.yaml"

Row = TypeVar("Row")
ById = dict[str, list[str]]  # id of a requirement → names, in the order of files


def tracked(ending: str = "") -> list[Path]:
    """Return the files that git tracks or would add, relative to the root; ending is e.g. ".py"."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", f"*{ending}"]
    listed = subprocess.run(command, cwd=paths.ROOT, capture_output=True, text=True, check=True).stdout
    return sorted(Path(name) for name in set(listed.splitlines()) if (paths.ROOT / name).is_file())


def functions() -> Iterator[tuple[Path, ast.FunctionDef]]:
    """Yield every case, a test function in a file outside of tests/."""
    for path in tracked(".py"):
        if path.parts[0] != "tests" and path.name.startswith("test_"):
            for node in ast.walk(ast.parse((paths.ROOT / path).read_text())):
                if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                    yield path, node


def requirements_of(node: ast.FunctionDef) -> list[str]:
    """Return the requirements that the decorators of a case cite."""
    return [
        argument.value
        for decorator in node.decorator_list
        if isinstance(decorator, ast.Call) and isinstance(decorator.func, ast.Name)
        if decorator.func.id == "requirement"
        for argument in decorator.args
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    ]


@cache
def by_cases() -> Mapping[str, list[str]]:
    """Map each requirement to the cases that cite it, as FILE::FUNCTION; each row of faults.yaml is a case."""
    found: ById = {}
    for path, node in functions():
        for name in requirements_of(node):
            found.setdefault(name, []).append(f"{path}::{node.name}")
        if path.name == "test_faults.py":
            for name in faults.load():
                found.setdefault(name, []).append(f"{path}::{node.name}[{name}]")
    return found


@cache
def by_corpus() -> Mapping[str, list[str]]:
    """Map each requirement to the ids of the hand-written policy cases that check it."""
    return _by(corpus.corpus(), lambda case: case.requirements, lambda case: case.id)


@cache
def by_breaks() -> Mapping[str, list[str]]:
    """Map each requirement to the names of the breaks that make it fail."""
    return _by(breaks.load(), lambda row: row.red, lambda row: row.name)


@cache
def by_mutants() -> Mapping[str, list[str]]:
    """Map each requirement to the ids of the mutants that its cases find."""
    return _by(mutants.load(), lambda mutant: mutant.requirements, lambda mutant: mutant.id)


@cache
def by_tests() -> Mapping[str, list[str]]:
    """Map each requirement without a break or a mutant to a test that sees it fail, as FILE::FUNCTION.

    One test does so for every fault of a node in faults.yaml.
    """
    return {name: [RECOVERY] for name, fault in faults.load().items() if not fault.host} | {
        name: [test] for name, test in datafile.read(REDS, dict[str, str], "tests/catalogue/reds.yaml").items()
    }


@cache
def known() -> Mapping[str, Requirement]:
    """Return all requirements by id, including those in the folders of plugins."""
    return requirements.load(tuple(sorted(plugins.FOLDER.glob("*/requirements.yaml"))))


@cache
def files() -> Mapping[str, Path]:
    """Map each requirement to the file that defines it."""
    found: dict[str, Path] = {}
    for path in tracked(".yaml"):
        if path.stem == "requirements" or "requirements" in path.parts:
            found |= dict.fromkeys(re.findall(r"\bid: ([A-Z]+\d+)\b", (paths.ROOT / path).read_text()), path)
    return found


def _by(rows: Iterable[Row], ids: Callable[[Row], Iterable[str]], name: Callable[[Row], str]) -> ById:
    found: ById = {}
    for row in rows:
        for identity in ids(row):
            found.setdefault(identity, []).append(name(row))
    return found
