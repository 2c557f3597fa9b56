"""Policy cases as values: their states, policies and expectations, read from files of the corpus's format."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache, partial
from ipaddress import ip_network
from itertools import product
from pathlib import Path as File
from typing import TYPE_CHECKING, Any

from policies import base_world, datafile, layouts, serialization
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
PLACEHOLDER = re.compile(r"\$\{(all|other-all|(host|net|wide|address):([a-z/-]+))\}")
RENAMED = {"home": base_world.LOCAL_NODE, "away": base_world.REMOTE_NODE}  # names of earlier versions
ENDS = (*base_world.KEYS, base_world.OUTSIDE, base_world.REMOTE_NODE)

Cell = tuple[str, str]


@cache
def always(layout: int = 0) -> frozenset[Cell]:
    """The (source, destination) pairs of a layout that no policy can deny (clauses 49, 47)."""
    (node,) = (host.node for host in base_world.build().hosts if host.key == base_world.REMOTE_NODE)
    own = [pod.key for pod in layouts.build(layout).pods if pod.node == node and pod.key in base_world.KEYS]
    pairs = {*((key, key) for key in ENDS), *((base_world.REMOTE_NODE, key) for key in own)}
    return frozenset(pairs | {(other, one) for one, other in pairs})


@dataclass(frozen=True)
class Expectation:
    """The expected decisions of one block of a case.

    Attributes:
        flows: (protocol, port) of the flows it applies to.
        paths: their paths.
        cells: decision by (source, destination).
        file: the file that has the block.
        line: line of the block.
        lines: line by (source, destination), for pairs that the block lists.
    """

    flows: frozenset[tuple[str, int]]
    paths: tuple[Path, ...]
    cells: Mapping[Cell, Decision]
    file: str = ""
    line: int = 0
    lines: Mapping[Cell, int] = field(default_factory=dict)

    def where(self, cell: Cell) -> str:
        """File and line of the expectation of a pair."""
        return f"{self.file}, line {self.lines.get(cell, self.line)}"

    def covers(self, query: Query) -> bool:
        """Whether it applies to a query."""
        return (query.protocol, query.port) in self.flows and query.path in self.paths


@dataclass(frozen=True)
class Step:
    """A state of a case.

    Attributes:
        title: the change that leads to it.
        pods: labels by pod, where they differ from the base world.
        generation: how often each pod was deleted and created again.
        namespaces: labels by namespace, where they differ from the base world.
        policies: spec by namespace/name, with placeholders ${…} for addresses.
        expectations: blocks of expected decisions; the last one that covers a query applies.
    """

    title: str = ""
    pods: Mapping[str, Labels] = field(default_factory=dict)
    generation: Mapping[str, int] = field(default_factory=dict)
    namespaces: Mapping[str, Labels] = field(default_factory=dict)
    policies: Mapping[str, Any] = field(default_factory=dict)
    expectations: tuple[Expectation, ...] = ()

    def world(self, base: World, family: Family = Family.IPV4) -> World:
        """The state in a base world, with its addresses of a family in place of ${…}."""
        pods = tuple(
            replace(pod, labels=self.pods.get(pod.key, pod.labels), generation=self.generation.get(pod.key, 0))
            for pod in base.pods
        )
        namespaces = tuple(replace(ns, labels=self.namespaces.get(ns.name, ns.labels)) for ns in base.namespaces)
        return replace(base, pods=pods, namespaces=namespaces, policies=self.policies_in(base, family))

    def policies_in(self, base: World, family: Family) -> tuple[Policy, ...]:
        """The policies with the addresses of a base world.

        Raises:
            InvalidPolicyError: the API would reject one; the path begins with its key.
        """
        values = _values(base, family)
        result = []
        for key, spec in self.policies.items():
            namespace, _, name = key.partition("/")
            filled = json.loads(PLACEHOLDER.sub(lambda match: values[match[1]], json.dumps(spec)))
            try:
                result.append(serialization.read(serialization.of(namespace, name, filled)))
            except InvalidPolicyError as error:
                raise InvalidPolicyError((key, *error.path[1:]), error.rule) from error
        return tuple(result)

    def covering(self, query: Query) -> Expectation | None:
        """The block that applies to a query; None without one."""
        return next((block for block in reversed(self.expectations) if block.covers(query)), None)


@dataclass(frozen=True)
class Case:
    """A case: a sequence of states.

    Attributes:
        id: its name.
        title: one sentence.
        feature: of the file.
        clauses: numbers of the clauses that it shows.
        bugs: ids of the bugs and mutants that it detects.
        steps: its states, in order.
        families: the address families it applies to; one where its policies hold addresses of that one only.
        layout: number of the layout of its pods.
    """

    id: str
    title: str
    feature: str
    clauses: tuple[int, ...]
    bugs: tuple[str, ...]
    steps: tuple[Step, ...]
    families: tuple[Family, ...] = tuple(Family)
    layout: int = 0

    @property
    def base(self) -> World:
        """The base world in its layout."""
        return layouts.build(self.layout)

    @property
    def requirements(self) -> tuple[str, ...]:
        """Ids of the requirements that it checks, one for each clause."""
        return tuple(f"P{clause:02}" for clause in self.clauses)

    def __str__(self) -> str:
        return self.id


def _values(base: World, family: Family) -> dict[str, str]:
    """The value of each placeholder, without ${ and }."""
    (other,) = set(Family) - {family}
    values = {"all": family.everything, "other-all": other.everything}
    ends = [(pod.key, pod.ips) for pod in base.pods] + [(host.key, host.ips) for host in base.hosts]
    for (key, ips), (kind, lengths) in product(ends, LENGTHS.items()):
        for address in ips:
            if family_of(address) is family:
                cidr = f"{address}/{lengths[family]}"
                values[f"{kind}:{key}"] = _network(cidr)
                values[f"address:{key}"] = address
    return values


@lru_cache(maxsize=1024)
def _network(cidr: str) -> str:
    """The network of an address with a prefix length; each is looked up again for every state of a case."""
    return str(ip_network(cidr, strict=False))


def load(source: File | str, where: str) -> tuple[Case, ...]:
    """The cases of a file.

    Args:
        source: the file, or its text.
        where: its name in messages.

    Raises:
        BadFileError: the file is malformed, or has a policy that the API would reject.
    """
    document = datafile.load(source, SCHEMA, where)
    rows = document.data["cases"]
    return tuple(_case(document, number, row) for number, row in enumerate(rows))


def _case(document: Document, number: int, row: dict[str, Any]) -> Case:
    steps: list[Step] = []
    path: tuple[str | int, ...] = ("cases", number)
    families = (Family(row["family"]),) if "family" in row else tuple(Family)
    step_of = partial(_step, document, families[0], row.get("layout", 0))
    if "expect" in row:
        steps.append(step_of(path, row, Step()))
    for index, later in enumerate(row.get("steps", ())):
        steps.append(step_of((*path, "steps", index), later, steps[-1] if steps else _state(row, Step())))
    if not steps:
        raise document.bad(path, "a case needs expect, or steps with expect")
    return Case(
        id=row["id"],
        title=row["title"],
        feature=document.data["feature"],
        clauses=tuple(row["clauses"]),
        bugs=tuple(row.get("bugs", ())),
        steps=tuple(steps),
        families=families,
        layout=row.get("layout", 0),
    )


def _state(row: dict[str, Any], before: Step) -> Step:
    return Step(
        title=row.get("title", ""),
        pods=_labels(row.get("pods"), before.pods),
        generation={**before.generation, **{key: before.generation.get(key, 0) + 1 for key in row.get("again", ())}},
        namespaces=_labels(row.get("namespaces"), before.namespaces),
        policies=row.get("policies", before.policies),
    )


def _labels(rows: dict[str, dict[str, str]] | None, before: Mapping[str, Labels]) -> Mapping[str, Labels]:
    return {**before, **{key: labels(row) for key, row in (rows or {}).items()}}


def _step(
    document: Document, family: Family, layout: int, path: tuple[str | int, ...], row: dict[str, Any], before: Step
) -> Step:
    step, base = _state(row, before), layouts.build(layout)
    pods, spaces = [pod.key for pod in base.pods], [ns.name for ns in base.namespaces]
    for kind, names in (("pods", pods), ("again", base_world.KEYS), ("namespaces", spaces)):
        for name in row.get(kind, ()):
            if name not in names:
                raise document.bad((*path, kind, name), f"is not in the base world; allowed: {', '.join(names)}")
    try:
        step.policies_in(base, family)
    except InvalidPolicyError as error:
        raise document.bad((*path, "policies", *error.path), error.rule) from error
    except KeyError as error:
        raise document.bad(
            (*path, "policies"),
            f"${{{error.args[0]}}} is not a placeholder{_renamed(str(error.args[0]).partition(':')[2])}",
        ) from error
    blocks = tuple(
        _expectation(document, layout, (*path, "expect", index), block) for index, block in enumerate(row["expect"])
    )
    return replace(step, expectations=blocks)


def _expectation(document: Document, layout: int, path: tuple[str | int, ...], block: dict[str, Any]) -> Expectation:
    flows: set[tuple[str, int]] = set()
    for flow_text in block.get("flows", ("*/*",)):
        protocol, _, port = flow_text.lower().partition("/")
        flows |= {flow for flow in base_world.FLOWS if protocol in {"*", flow[0]} and port in {"*", str(flow[1])}}
        flows |= {flow for flow in base_world.FAR_FLOWS if (protocol, port) == (flow[0], str(flow[1]))}
    cells = dict.fromkeys(((one, other) for one in ENDS for other in ENDS), Decision.ALLOWED)
    lines: dict[Cell, int] = {}
    decisions = {"deny": Decision.DENIED, "allow": Decision.ALLOWED, "open": Decision.UNDEFINED}
    for kind, decision in decisions.items():
        for index, text in enumerate(block.get(kind, ())):
            left, _, right = text.partition(" > ")
            at = (*path, kind, index)
            pairs = set(product(_ends(document, at, left), _ends(document, at, right))) - always(layout)
            cells |= dict.fromkeys(pairs, decision)
            lines |= dict.fromkeys(pairs, document.line(at))
    paths = (Path(block["via"]),) if "via" in block else tuple(Path)
    return Expectation(frozenset(flows), paths, cells, document.where, document.line(path), lines)


def _ends(document: Document, path: tuple[str | int, ...], keys: str) -> Iterable[str]:
    names = ENDS if keys == "*" else tuple(keys.split())
    for name in names:
        if name not in ENDS:
            hint = _renamed(name) if RENAMED.get(name) in ENDS else ""
            raise document.bad(path, f"{name} is not in the base world{hint}; allowed: {', '.join(ENDS)}")
    return names


def _renamed(key: str) -> str:
    """A hint for the key of an end that has another name now; "" for others."""
    return f" ({key} is now {RENAMED[key]})" if key in RENAMED else ""


@cache
def corpus() -> tuple[Case, ...]:
    """All cases of policies/corpus, in the order of files and of cases in them."""
    result: list[Case] = []
    for path in sorted(CORPUS.glob("*.yaml")):
        result += load(path, f"policies/corpus/{path.name}")
    names = [case.id for case in result]
    if twice := {name for name in names if names.count(name) > 1}:
        raise BadFileError(f"policies/corpus: two cases have the id {', '.join(sorted(twice))}.")
    return tuple(result)


@cache
def aliases() -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    """Names of cases in other suites: suite → its name → ids of the corpus."""
    return datafile.read(CORPUS.parent / "aliases.yaml", dict[str, dict[str, tuple[str, ...]]])


def named(word: str) -> frozenset[str]:
    """The ids of the cases that an id, a feature, a bug, a suite or SUITE:NAME selects; empty for anything else."""
    suite, _, name = word.partition(":")
    selected = {case.id for case in corpus() if word in {case.id, case.feature, *case.bugs}}
    for theirs, ids in aliases().get(suite, {}).items():
        if name in {"", theirs}:
            selected |= set(ids)
    return frozenset(selected)
