"""Policy cases as values: read from the corpus, made real for a stage, and what they expect."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from functools import cache, partial
from ipaddress import ip_network
from itertools import product
from pathlib import Path as File
from typing import TYPE_CHECKING, Any

from policies import base_world, datafile, serialization
from policies.datafile import BadFileError, Document
from policies.families import Family, family_of
from policies.invalid import InvalidPolicyError
from policies.model import labels
from policies.oracle import Decision, Path, Query

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from policies.model import Labels, Policy, World

CORPUS = File(__file__).parent / "corpus"
SCHEMA = File(__file__).parent / "corpus.schema.json"
LENGTHS = {
    "host": {Family.IPV4: 32, Family.IPV6: 128},
    "net": {Family.IPV4: 24, Family.IPV6: 64},
    "wide": {Family.IPV4: 16, Family.IPV6: 48},
}
TOKEN = re.compile(r"\$\{(all|other-all|(host|net|wide|address):([a-z/]+))\}")
ENDS = (*base_world.KEYS, base_world.OUTSIDE, base_world.AWAY)
ALWAYS = {*((key, key) for key in ENDS), *((base_world.AWAY, key) for key in base_world.AT_AWAY)}  # clauses 49, 47
ALWAYS |= {(other, one) for one, other in ALWAYS}

Cell = tuple[str, str]


@dataclass(frozen=True)
class Expectation:
    """What a block of a case says, and of which flows.

    Attributes:
        flows: protocols and ports.
        paths: by address, by Service.
        cells: what it states of each pair of ends.
        file: where it is written.
        line: of the block.
        lines: of the text that states a pair's, where that is not "all else is allowed".
    """

    flows: frozenset[tuple[str, int]]
    paths: tuple[Path, ...]
    cells: Mapping[Cell, Decision]
    file: str = ""
    line: int = 0
    lines: Mapping[Cell, int] = field(default_factory=dict)

    def where(self, cell: Cell) -> str:
        """File and line of what it states of a pair."""
        return f"{self.file}, line {self.lines.get(cell, self.line)}"

    def covers(self, query: Query) -> bool:
        """Whether it is about a query."""
        return (query.protocol, query.port) in self.flows and query.path in self.paths


@dataclass(frozen=True)
class Step:
    """A state of a case.

    Attributes:
        title: what was done.
        pods: labels by pod, where they are not the stage's.
        born: how often pods were replaced by others of their names.
        namespaces: labels by namespace, where they are not the stage's.
        policies: namespace/name → spec with ${…} for addresses.
        expectations: what is expected; the last that covers a query holds.
    """

    title: str = ""
    pods: Mapping[str, Labels] = field(default_factory=dict)
    generation: Mapping[str, int] = field(default_factory=dict)
    namespaces: Mapping[str, Labels] = field(default_factory=dict)
    policies: Mapping[str, Any] = field(default_factory=dict)
    expectations: tuple[Expectation, ...] = ()

    def world(self, on: World, family: Family = Family.IPV4) -> World:
        """The state on a stage, with the addresses of a family in the place of ${…}."""
        pods = tuple(
            replace(pod, labels=self.pods.get(pod.key, pod.labels), generation=self.generation.get(pod.key, 0))
            for pod in on.pods
        )
        namespaces = tuple(replace(ns, labels=self.namespaces.get(ns.name, ns.labels)) for ns in on.namespaces)
        return replace(on, pods=pods, namespaces=namespaces, policies=self.policies_on(on, family))

    def policies_on(self, on: World, family: Family) -> tuple[Policy, ...]:
        """The policies with the addresses of a stage.

        Raises:
            InvalidPolicyError: the API would refuse one; the path begins with its key.
        """
        values = _values(on, family)
        result = []
        for key, spec in self.policies.items():
            namespace, _, name = key.partition("/")
            filled = json.loads(TOKEN.sub(lambda match: values[match[1]], json.dumps(spec)))
            try:
                result.append(serialization.read(serialization.of(namespace, name, filled)))
            except InvalidPolicyError as error:
                raise InvalidPolicyError((key, *error.path[1:]), error.rule) from error
        return tuple(result)

    def covering(self, query: Query) -> Expectation | None:
        """What is stated of a query, for every pair of ends; None where nothing is."""
        return next((block for block in reversed(self.expectations) if block.covers(query)), None)


@dataclass(frozen=True)
class Case:
    """A case: states that follow each other.

    Attributes:
        id: its name.
        title: its sentence.
        feature: the file's feature.
        clauses: the clauses it shows.
        bugs: bugs and mutants it is for.
        steps: its states.
        families: the address families it applies to; one where its policies hold addresses of that one only.
    """

    id: str
    title: str
    feature: str
    clauses: tuple[int, ...]
    bugs: tuple[str, ...]
    steps: tuple[Step, ...]
    families: tuple[Family, ...] = tuple(Family)

    @property
    def requirements(self) -> tuple[str, ...]:
        """The requirements it answers for: one for each clause."""
        return tuple(f"P{clause:02}" for clause in self.clauses)

    def __str__(self) -> str:
        return self.id


def _values(on: World, family: Family) -> dict[str, str]:
    """What ${…} stands for."""
    (other,) = set(Family) - {family}
    values = {"all": family.everything, "other-all": other.everything}
    ends = [(pod.key, pod.ips) for pod in on.pods] + [(host.key, host.ips) for host in on.hosts]
    for (key, ips), (kind, lengths) in product(ends, LENGTHS.items()):
        for address in ips:
            if family_of(address) is family:
                cidr = f"{address}/{lengths[family]}"
                values[f"{kind}:{key}"] = str(ip_network(cidr, strict=False))
                values[f"address:{key}"] = address
    return values


def load(text: str, where: str) -> tuple[Case, ...]:
    """The cases of a file.

    Raises:
        BadFileError: the file is malformed, or holds a policy that the API would refuse; it names line and field.
    """
    document = datafile.load(text, SCHEMA, where)
    rows = document.data["cases"]
    return tuple(_case(document, number, row) for number, row in enumerate(rows))


def _case(document: Document, number: int, row: dict[str, Any]) -> Case:
    steps: list[Step] = []
    path: tuple[str | int, ...] = ("cases", number)
    families = (Family(row["family"]),) if "family" in row else tuple(Family)
    read = partial(_step, document, families[0])
    if "expect" in row:
        steps.append(read(path, row, Step()))
    for index, later in enumerate(row.get("steps", ())):
        steps.append(read((*path, "steps", index), later, steps[-1] if steps else _step_of(row, Step())))
    if not steps:
        raise document.bad(path, "a case needs expect, or steps that have it")
    return Case(
        id=row["id"],
        title=row["title"],
        feature=document.data["feature"],
        clauses=tuple(row["clauses"]),
        bugs=tuple(row.get("bugs", ())),
        steps=tuple(steps),
        families=families,
    )


def _step_of(row: dict[str, Any], before: Step) -> Step:
    return Step(
        title=row.get("title", ""),
        pods=_labels(row.get("pods"), before.pods),
        generation={**before.generation, **{key: before.generation.get(key, 0) + 1 for key in row.get("again", ())}},
        namespaces=_labels(row.get("namespaces"), before.namespaces),
        policies=row.get("policies", before.policies),
    )


def _labels(rows: dict[str, dict[str, str]] | None, before: Mapping[str, Labels]) -> Mapping[str, Labels]:
    return {**before, **{key: labels(row) for key, row in (rows or {}).items()}}


def _step(document: Document, family: Family, path: tuple[str | int, ...], row: dict[str, Any], before: Step) -> Step:
    step = _step_of(row, before)
    spaces = [ns.name for ns in base_world.NAMESPACES]
    for kind, names in (("pods", base_world.KEYS), ("again", base_world.KEYS), ("namespaces", spaces)):
        for name in row.get(kind, ()):
            if name not in names:
                raise document.bad((*path, kind, name), f"is not on the stage; there are {', '.join(names)}")
    try:
        step.policies_on(base_world.build(), family)
    except InvalidPolicyError as error:
        raise document.bad((*path, "policies", *error.path), error.rule) from error
    except KeyError as error:
        raise document.bad((*path, "policies"), f"${{{error.args[0]}}} stands for nothing") from error
    blocks = tuple(
        _expectation(document, (*path, "expect", index), block) for index, block in enumerate(row["expect"])
    )
    return replace(step, expectations=blocks)


def _expectation(document: Document, path: tuple[str | int, ...], block: dict[str, Any]) -> Expectation:
    flows: set[tuple[str, int]] = set()
    for named in block.get("flows", ("*/*",)):
        protocol, _, port = named.lower().partition("/")
        flows |= {flow for flow in base_world.FLOWS if protocol in {"*", flow[0]} and port in {"*", str(flow[1])}}
    cells = dict.fromkeys(((one, other) for one in ENDS for other in ENDS), Decision.ALLOWED)
    lines: dict[Cell, int] = {}
    says = {"deny": Decision.DENIED, "allow": Decision.ALLOWED, "open": Decision.UNDEFINED}
    for kind, verdict in says.items():
        for index, text in enumerate(block.get(kind, ())):
            left, _, right = text.partition(" > ")
            at = (*path, kind, index)
            pairs = set(product(_ends(document, at, left), _ends(document, at, right))) - ALWAYS
            cells |= dict.fromkeys(pairs, verdict)
            lines |= dict.fromkeys(pairs, document.line(at))
    paths = (Path(block["via"]),) if "via" in block else tuple(Path)
    return Expectation(frozenset(flows), paths, cells, document.where, document.line(path), lines)


def _ends(document: Document, path: tuple[str | int, ...], words: str) -> Iterable[str]:
    names = ENDS if words == "*" else tuple(words.split())
    for name in names:
        if name not in ENDS:
            raise document.bad(path, f"{name} is not on the stage; there are {', '.join(ENDS)}")
    return names


@cache
def corpus() -> tuple[Case, ...]:
    """All cases, by file and order in it."""
    found: list[Case] = []
    for path in sorted(CORPUS.glob("*.yaml")):
        found += load(path.read_text(), f"policies/corpus/{path.name}")
    names = [case.id for case in found]
    if twice := {name for name in names if names.count(name) > 1}:
        raise BadFileError(f"policies/corpus: two cases are called {', '.join(sorted(twice))}.")
    return tuple(found)


@cache
def aliases() -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    """What users of other suites call cases: suite → their name → ids of ours."""
    rows = datafile.load(CORPUS.parent / "aliases.yaml").data
    return {suite: {name: tuple(ids) for name, ids in names.items()} for suite, names in rows.items()}


def named(word: str) -> frozenset[str]:
    """The ids of the cases that a word means: an id, a feature, a bug, a suite, or SUITE:NAME; none where nothing."""
    suite, _, name = word.partition(":")
    found = {case.id for case in corpus() if word in {case.id, case.feature, *case.bugs}}
    for theirs, ids in aliases().get(suite, {}).items():
        if name in {"", theirs}:
            found |= set(ids)
    return frozenset(found)
