"""What answers for each requirement, found by walking the tree: its file, its cases, and what makes it fail."""

from __future__ import annotations

import ast
import re
import subprocess
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import yaml

from fixtures import paths
from fixtures.cnis import catalogue as plugins
from fixtures.faults import catalogue as faults
from policies import cases as corpus
from policies import requirements
from tests.sensitivity import catalogue as mutants

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from policies.requirements import Requirement

REDS = Path(__file__).parent / "reds.yaml"
BREAKS = paths.ROOT / "tests" / "lab" / "breaks.yaml"

Row = TypeVar("Row")
Found = dict[str, list[str]]  # requirement → what was found for it, in the order of the tree


def tracked(ending: str = "") -> list[Path]:
    """The files git knows or would add, with an ending, as paths from the root."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", f"*{ending}"]
    listed = subprocess.run(command, cwd=paths.ROOT, capture_output=True, text=True, check=True).stdout
    return sorted(Path(name) for name in set(listed.splitlines()) if (paths.ROOT / name).is_file())


def functions() -> Iterator[tuple[Path, ast.FunctionDef]]:
    """Every case: a test function outside of tests/, wherever in the tree it is."""
    for path in tracked(".py"):
        if path.parts[0] != "tests" and path.name.startswith("test_"):
            for node in ast.walk(ast.parse((paths.ROOT / path).read_text())):
                if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                    yield path, node


def requirements_of(node: ast.FunctionDef) -> list[str]:
    """The requirements that a case's decorator names."""
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
    """Requirement → cases that name it in their code, as FILE::FUNCTION; each row of faults.yaml is a case."""
    found: Found = {}
    for path, node in functions():
        for name in requirements_of(node):
            found.setdefault(name, []).append(f"{path}::{node.name}")
        if path.name == "test_faults.py":
            for name in faults.load():
                found.setdefault(name, []).append(f"{path}::{node.name}[{name}]")
    return found


@cache
def by_corpus() -> Mapping[str, list[str]]:
    """Requirement → ids of the hand-written policy cases that answer for it."""
    return _by(corpus.corpus(), lambda case: case.requirements, lambda case: case.id)


@cache
def by_breaks() -> Mapping[str, list[str]]:
    """Requirement → names of the breaks that make it fail."""
    rows = yaml.safe_load(BREAKS.read_text())
    return _by(rows, lambda row: row["red"], lambda row: row["name"])


@cache
def by_mutants() -> Mapping[str, list[str]]:
    """Requirement → ids of the mutants that one of its cases finds."""
    return _by(mutants.load(), lambda mutant: mutant.requirements, lambda mutant: mutant.id)


@cache
def by_tests() -> Mapping[str, list[str]]:
    """Requirement → tests, beside breaks and mutants, that see it fail, as FILE::FUNCTION."""
    return {name: [test] for name, test in yaml.safe_load(REDS.read_text()).items()}


@cache
def known() -> Mapping[str, Requirement]:
    """Every requirement by id: those of all plugins, and those that lie with one."""
    return requirements.load(tuple(sorted(plugins.FOLDER.glob("*/requirements.yaml"))))


@cache
def files() -> Mapping[str, Path]:
    """Requirement → the file that defines it."""
    found: dict[str, Path] = {}
    for path in tracked(".yaml"):
        if path.stem == "requirements" or "requirements" in path.parts:
            found |= dict.fromkeys(re.findall(r"\bid: ([A-Z]+\d+)\b", (paths.ROOT / path).read_text()), path)
    return found


def _by(rows: Iterable[Row], names: Callable[[Row], Iterable[str]], what: Callable[[Row], str]) -> Found:
    found: Found = {}
    for row in rows:
        for name in names(row):
            found.setdefault(name, []).append(what(row))
    return found
