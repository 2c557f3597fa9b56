"""A side of a comparison: a run, or several runs of one plugin that are compared as one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reports import runs, stored, verdict_file
from reports.lateness import FACT as LATENESS
from reports.outcome import DECIDED
from reports.report import certified
from reports.verdict_file import BadVerdictError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

SEPARATOR = ","  # between the runs of a side
LONGEST_LABEL = 40  # characters of a list of programs
SHOWN_DIGEST = 8  # hexadecimal digits


@dataclass(frozen=True)
class Case:
    """A case of a side.

    Attributes:
        id: the requirement.
        row: the case in verdict.json.
        late: the share of its run's processor time that other programs took.
    """

    id: str
    row: Mapping[str, Any]
    late: float

    @property
    def facts(self) -> Mapping[str, Any]:
        """Its facts; none if it was not decided: what it measured then says nothing about the plugin."""
        return self.row["facts"] if self.row["verdict"] in DECIDED else {}


@dataclass(frozen=True)
class Side:
    """A side of a comparison.

    Attributes:
        name: names of the folders of its runs.
        documents: the contents of their verdict.json; where two have the same requirement, the first decides that did
            not find it unsupported.
    """

    name: str
    documents: tuple[Mapping[str, Any], ...]

    @property
    def cni(self) -> str:
        """The plugin and its variant."""
        return str(self.documents[0]["cni"])

    @cached_property
    def rows(self) -> Mapping[str, Mapping[str, Any]]:
        """The rows of its requirements by id."""
        rows: dict[str, Mapping[str, Any]] = {}
        for document in self.documents:
            for row in document["requirements"]:
                if rows.get(row["id"], {"verdict": "unsupported"})["verdict"] == "unsupported":
                    rows[row["id"]] = row
        return rows

    @cached_property
    def cases(self) -> Mapping[str, Case]:
        """Its cases by pytest's node id, sorted by requirement; one of several requirements has the first of them."""
        found: dict[str, Case] = {}
        for document in self.documents:
            late = document.get(LATENESS, {"lost_seconds": 0.0, "seconds": 1.0})
            share = late["lost_seconds"] / (late["seconds"] or 1.0)
            for row in document["requirements"]:
                if row is self.rows[row["id"]]:
                    for case in row["cases"]:
                        found.setdefault(case["case"], Case(row["id"], case, share))
        return dict(sorted(found.items(), key=lambda item: (item[1].id, item[0])))

    @cached_property
    def cluster(self) -> Mapping[str, Any]:
        """Facts of its clusters; the first run decides."""
        return {key: value for document in reversed(self.documents) for key, value in document["cluster"].items()}

    @cached_property
    def programs(self) -> Mapping[str, certified.Program]:
        """The programs of its runs by name; the first run decides."""
        programs = [program for document in reversed(self.documents) for program in certified.of(document).programs]
        return {program.name: program for program in programs}

    def verdict_of(self, identity: str) -> str:
        """Return the verdict of a requirement; "" if no run checked it."""
        return str(self.rows.get(identity, {}).get("verdict", ""))

    def fact(self, name: str) -> Any:  # noqa: ANN401 - JSON
        """Return the first fact of that name of a decided case; None if there is none."""
        return next((case.facts[name] for case in self.cases.values() if name in case.facts), None)

    def run(self) -> runs.Run:
        """Return the side as a run, for the known differences between providers."""
        first = self.documents[0]
        rows = {identity: dict(row) for identity, row in self.rows.items()}
        return runs.Run(self.name, first["verdict"], rows, provider=first["cluster"]["provider"])


def load(argument: str) -> Side:
    """Return the side that a user names.

    Args:
        argument: the folder of a run or its verdict.json; several runs of one plugin, separated by commas, are
            compared as one, for example its certification and its faults.

    Raises:
        BadVerdictError: a file is no verdict.json, or the runs are of different plugins.
    """
    parts = [argument] if Path(argument).exists() else argument.split(SEPARATOR)
    paths = [Path(part) for part in parts]
    documents = tuple(verdict_file.read(path) for path in paths)
    plugins = dict.fromkeys(document["cni"] for document in documents)
    if len(plugins) > 1:
        raise BadVerdictError(f"{argument}: runs of {' and '.join(plugins)} cannot be one side of a comparison.")
    return Side(" and ".join(map(name_of, paths)), documents)


def name_of(path: Path) -> str:
    """Return the name of a run: that of its folder, or of a file that is not called verdict.json."""
    path = path.resolve()
    return (
        path.stem
        if path.is_file() and path.name not in stored.NAMES
        else (path if path.is_dir() else path.parent).name
    )


def labels(sides: Sequence[Side]) -> tuple[str, ...]:
    """Return a short name of each side: its plugin, else its tested programs, else its folder; all are different."""
    for names in _choices(sides):
        if len({*names}) == len(sides):
            return tuple(names)
    return tuple(f"{number} {side.name}" for number, side in enumerate(sides, 1))


def _choices(sides: Sequence[Side]) -> Iterator[list[str]]:
    yield [side.cni for side in sides]
    changed = changed_programs(sides)
    names = [", ".join(f"{name} {changed[name][number]}" for name in changed) for number, _ in enumerate(sides)]
    if max(map(len, names), default=0) <= LONGEST_LABEL:
        yield names
    yield [side.name for side in sides]


def changed_programs(sides: Sequence[Side], *, tested: bool = True) -> Mapping[str, tuple[str, ...]]:
    """Return the programs that are not the same on every side, with their versions, or digests if these are equal.

    Digests are compared of programs that the user gave; netproof's own builds of one version differ with its compiler.

    Args:
        sides: the sides.
        tested: whether to return those under test, or all others; a program that a side does not have is left out.
    """
    changed: dict[str, tuple[str, ...]] = {}
    for name in sorted(set.intersection(*({*side.programs} for side in sides)) if sides else ()):
        programs = [side.programs[name] for side in sides]
        if any(program.is_tested for program in programs) != tested:
            continue
        if len({program.version for program in programs}) > 1:
            changed[name] = tuple(program.version for program in programs)
        elif programs[0].is_given and len({program.sha256 for program in programs}) > 1:
            changed[name] = tuple(f"sha256 {each.sha256[:SHOWN_DIGEST]}…" for each in programs)
    return changed
