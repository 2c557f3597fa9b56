"""Count how the packages hang together: levels, arrows, circles, and the longest chain of hand-overs.

    python -m tests.unit.repo.structure            # the rooms of every package
    python -m tests.unit.repo.structure fixtures   # with the names of each level

A room is a module or a folder directly in a package; an arrow says that something in one room imports something in
another of the same package, type hints included. A room stands one level above the highest one that it imports;
rooms of a circle stand on one level. A hand-over is a function that passes one of its own parameters on, unchanged,
to another function of the project; the longest chain says through how many functions a value goes untouched.
"""

from __future__ import annotations

import ast
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import grimp

ROOT = Path(__file__).parents[3]
PACKAGES = ("policies", "fixtures", "suites", "reports")

Graph = dict[str, set[str]]
Parameter = tuple[str, str, str]  # module, function, parameter


@dataclass(frozen=True)
class Structure:
    """The rooms of a package.

    Attributes:
        levels: the rooms of each level, lowest first.
        arrows: pairs of rooms of which the first imports the second.
        circles: groups of rooms that import each other, directly or through others.
    """

    levels: list[list[str]]
    arrows: set[tuple[str, str]]
    circles: list[list[str]]

    def __str__(self) -> str:
        rooms = sum(len(level) for level in self.levels)
        return f"{rooms} rooms on {len(self.levels)} levels, {len(self.arrows)} arrows, {len(self.circles)} circles"


def rooms(package: str) -> Graph:
    """Room → the rooms of the same package that it imports."""
    graph = grimp.build_graph(*PACKAGES, include_external_packages=False, cache_dir=None)
    found: Graph = {}
    for module in graph.modules:
        if module.startswith(f"{package}."):
            room = module.split(".")[1]
            imported = {
                name.split(".")[1]
                for name in graph.find_modules_directly_imported_by(module)
                if name.startswith(f"{package}.")
            }
            found.setdefault(room, set()).update(imported - {room})
    return found


def circles(graph: Graph) -> list[list[str]]:
    """Groups of more than one node in which each reaches each other."""
    reach = {node: _reached(graph, node) for node in graph}
    groups = {tuple(sorted({node, *(other for other in reach[node] if node in reach[other])})) for node in graph}
    return sorted(list(group) for group in groups if len(group) > 1)


def _reached(graph: Graph, start: str) -> set[str]:
    seen: set[str] = set()
    ahead = [start]
    while ahead:
        for following in graph[ahead.pop()] - seen:
            seen.add(following)
            ahead.append(following)
    return seen


def measure(graph: Graph) -> Structure:
    """Levels, arrows and circles of a graph."""
    loops = circles(graph)
    head = {node: group[0] for group in loops for node in group}
    above: Graph = defaultdict(set)
    for node, imported in graph.items():
        above[head.get(node, node)] |= {head.get(other, other) for other in imported} - {head.get(node, node)}
    levels: dict[str, int] = {}

    def level(node: str) -> int:
        if node not in levels:
            levels[node] = 1 + max((level(other) for other in above[node]), default=-1)
        return levels[node]

    rows: dict[int, list[str]] = defaultdict(list)
    for node in sorted(graph):
        rows[level(head.get(node, node))].append(node)
    arrows = {(node, other) for node, imported in graph.items() for other in imported}
    return Structure([rows[number] for number in sorted(rows)], arrows, loops)


class HandOvers(ast.NodeVisitor):
    """Which parameters of a module's functions are passed on unchanged, and to whose."""

    def __init__(self, module: str, tree: ast.Module, signatures: dict[tuple[str, str], list[str]]) -> None:
        self.module, self.signatures = module, signatures
        self.names: dict[str, tuple[str, str]] = {}  # a name here → module and function that it means
        self.passed: set[tuple[Parameter, Parameter]] = set()
        self.inside: list[tuple[str, set[str]]] = []
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module:
                for alias in node.names:
                    self.names[alias.asname or alias.name] = (node.module, alias.name)
        self.visit(tree)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        """Look at the calls of a function."""
        self.inside.append((node.name, {argument.arg for argument in _arguments(node)} - {"self"}))
        self.generic_visit(node)
        self.inside.pop()

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815 - ast's own spelling

    def visit_Call(self, node: ast.Call) -> None:
        """Note each parameter that goes into the call as it is."""
        called = self._called(node.func)
        if self.inside and called in self.signatures:
            function, own = self.inside[-1]
            names = self.signatures[called]
            given = [*zip(names, node.args, strict=False), *((word.arg, word.value) for word in node.keywords)]
            for name, value in given:
                if isinstance(value, ast.Name) and value.id in own and name:
                    self.passed.add(((self.module, function, value.id), (*called, name)))
        self.generic_visit(node)

    def _called(self, function: ast.expr) -> tuple[str, str]:
        if isinstance(function, ast.Name):
            return self.names.get(function.id, (self.module, function.id))
        if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
            owner = function.value.id
            if owner == "self":
                return self.module, function.attr
            if owner in self.names:
                return ".".join(self.names[owner]), function.attr
        return "", ""


def _arguments(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.arg]:
    return [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]


def hand_overs() -> set[tuple[Parameter, Parameter]]:
    """Every parameter that a function passes on unchanged, and the one that it becomes."""
    trees = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts): ast.parse(path.read_text())
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
    }
    signatures = {
        (module, node.name): [argument.arg for argument in _arguments(node) if argument.arg != "self"]
        for module, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    return {pair for module, tree in trees.items() for pair in HandOvers(module, tree, signatures).passed}


def longest_chain(passed: set[tuple[Parameter, Parameter]]) -> list[Parameter]:
    """The longest way of a value through functions that pass it on unchanged; no function comes twice."""
    following: dict[Parameter, set[Parameter]] = defaultdict(set)
    for one, other in passed:
        following[one].add(other)

    def longest(at: Parameter, before: frozenset[Parameter]) -> list[Parameter]:
        ways = [longest(other, before | {at}) for other in sorted(following[at]) if other not in before | {at}]
        return [at, *max(ways, key=len, default=[])]

    return max((longest(start, frozenset()) for start in sorted(following)), key=len, default=[])


def main(packages: list[str]) -> None:
    """Print the figures, and the rooms of each level where packages are named."""
    for package in packages or PACKAGES:
        structure = measure(rooms(package))
        sys.stdout.write(f"{package}: {structure}\n")
        for number, level in enumerate(structure.levels if packages else [], 1):
            sys.stdout.write(f"  {number:2}  {', '.join(level)}\n")
        for circle in structure.circles:
            sys.stdout.write(f"  circle: {', '.join(circle)}\n")
    chain = longest_chain(hand_overs())
    sys.stdout.write(f"longest chain of hand-overs: {len(chain)} functions\n")
    for module, function, parameter in chain:
        sys.stdout.write(f"  {module}.{function}({parameter})\n")


if __name__ == "__main__":
    main(sys.argv[1:])
