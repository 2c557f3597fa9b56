"""Measure the dependencies within the packages: levels, imports, cycles, and the longest chain of passed parameters.

    python -m tests.unit.repo.structure            # the rooms of every package
    python -m tests.unit.repo.structure fixtures   # with the names of each level

A room is a module or a folder directly in a package. An import is a pair of rooms of one package of which the first
imports the second, for type hints or at run time. The level of a room is one above the highest room that it imports;
all rooms of a cycle are on one level. A chain of passed parameters is a sequence of functions of which each passes one
of its own parameters, unchanged, to the next one.
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
        imports: pairs of rooms of which the first imports the second.
        cycles: groups of rooms that import each other, directly or through others.
    """

    levels: list[list[str]]
    imports: set[tuple[str, str]]
    cycles: list[list[str]]

    def __str__(self) -> str:
        rooms = sum(len(level) for level in self.levels)
        return f"{rooms} rooms on {len(self.levels)} levels, {len(self.imports)} imports, {len(self.cycles)} cycles"


def rooms(package: str) -> Graph:
    """Room → the rooms of the same package that it imports."""
    graph = grimp.build_graph(*PACKAGES, include_external_packages=False, cache_dir=None)
    result: Graph = {}
    for module in graph.modules:
        if module.startswith(f"{package}."):
            room = module.split(".")[1]
            imported = {
                name.split(".")[1]
                for name in graph.find_modules_directly_imported_by(module)
                if name.startswith(f"{package}.")
            }
            result.setdefault(room, set()).update(imported - {room})
    return result


def cycles(graph: Graph) -> list[list[str]]:
    """Groups of at least two nodes in which every node reaches all others."""
    reach = {node: _reached(graph, node) for node in graph}
    groups = {tuple(sorted({node, *(other for other in reach[node] if node in reach[other])})) for node in graph}
    return sorted(list(group) for group in groups if len(group) > 1)


def _reached(graph: Graph, start: str) -> set[str]:
    """All nodes that edges lead to from a node."""
    reached: set[str] = set()
    pending = [start]
    while pending:
        for following in graph[pending.pop()] - reached:
            reached.add(following)
            pending.append(following)
    return reached


def measure(graph: Graph) -> Structure:
    """The levels, imports and cycles of a graph."""
    groups = cycles(graph)
    head = {node: group[0] for group in groups for node in group}
    lower: Graph = defaultdict(set)
    for node, imported in graph.items():
        lower[head.get(node, node)] |= {head.get(other, other) for other in imported} - {head.get(node, node)}
    levels: dict[str, int] = {}

    def level(node: str) -> int:
        if node not in levels:
            levels[node] = 1 + max((level(other) for other in lower[node]), default=-1)
        return levels[node]

    rows: dict[int, list[str]] = defaultdict(list)
    for node in sorted(graph):
        rows[level(head.get(node, node))].append(node)
    imports = {(node, other) for node, imported in graph.items() for other in imported}
    return Structure([rows[number] for number in sorted(rows)], imports, groups)


class PassedParameters(ast.NodeVisitor):
    """The parameters that functions of a module pass unchanged to other functions.

    Args:
        module: the dotted name of the module.
        tree: its syntax tree.
        signatures: (module, function) → names of the function's parameters.
    """

    def __init__(self, module: str, tree: ast.Module, signatures: dict[tuple[str, str], list[str]]) -> None:
        self.module, self.signatures = module, signatures
        self.names: dict[str, tuple[str, str]] = {}  # imported name → (module, function)
        self.passed: set[tuple[Parameter, Parameter]] = set()
        self.inside: list[tuple[str, set[str]]] = []
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module:
                for alias in node.names:
                    self.names[alias.asname or alias.name] = (node.module, alias.name)
        self.visit(tree)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        """Visit the calls in a function."""
        self.inside.append((node.name, {argument.arg for argument in _arguments(node)} - {"self"}))
        self.generic_visit(node)
        self.inside.pop()

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815 - ast's own spelling

    def visit_Call(self, node: ast.Call) -> None:
        """Record each parameter that is an argument of the call."""
        called = self._called(node.func)
        if self.inside and called in self.signatures:
            function, own = self.inside[-1]
            names = self.signatures[called]
            arguments = [*zip(names, node.args, strict=False), *((each.arg, each.value) for each in node.keywords)]
            for name, value in arguments:
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


def passed_parameters() -> set[tuple[Parameter, Parameter]]:
    """Pairs of a parameter that a function passes unchanged, and the parameter that receives it."""
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
    return {pair for module, tree in trees.items() for pair in PassedParameters(module, tree, signatures).passed}


def longest_chain(passed: set[tuple[Parameter, Parameter]]) -> list[Parameter]:
    """The longest chain of parameters of which each is passed to the next one; none of them occurs twice."""
    following: dict[Parameter, set[Parameter]] = defaultdict(set)
    for parameter, receiver in passed:
        following[parameter].add(receiver)

    def longest(at: Parameter, before: frozenset[Parameter]) -> list[Parameter]:
        chains = [longest(other, before | {at}) for other in sorted(following[at]) if other not in before | {at}]
        return [at, *max(chains, key=len, default=[])]

    return max((longest(start, frozenset()) for start in sorted(following)), key=len, default=[])


def main(packages: list[str]) -> None:
    """Print the measurements of some packages with the rooms of each level, or of all packages without them."""
    for package in packages or PACKAGES:
        structure = measure(rooms(package))
        sys.stdout.write(f"{package}: {structure}\n")
        for number, level in enumerate(structure.levels if packages else [], 1):
            sys.stdout.write(f"  {number:2}  {', '.join(level)}\n")
        for cycle in structure.cycles:
            sys.stdout.write(f"  cycle: {', '.join(cycle)}\n")
    chain = longest_chain(passed_parameters())
    sys.stdout.write(f"longest chain of passed parameters: {len(chain)} functions\n")
    for module, function, parameter in chain:
        sys.stdout.write(f"  {module}.{function}({parameter})\n")


if __name__ == "__main__":
    main(sys.argv[1:])
