"""The mutants of mutants.yaml, and the historical bugs of bugs.yaml that they reproduce."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from policies import datafile
from tests.support.unlisted import OF_IPV6, UNLISTED

if TYPE_CHECKING:
    from collections.abc import Mapping

FOLDER = Path(__file__).parent
PATH = FOLDER / "mutants.yaml"
BUGS = FOLDER / "bugs.yaml"
Tier = Literal["static", "fixture", "generated", "sequences", "timing", "chaos"]


@dataclass(frozen=True)
class Mutant:
    """A mutant.

    Attributes:
        id: M and a number.
        tier: the cheapest kind of case that can kill it: static, fixture, generated, sequences, timing or chaos.
        requirements: ids of the requirements of which at least one has to kill it; () if it is not implemented.
        bugs: names in bugs.yaml of the historical bugs that it reproduces.
        sentence: its change of the engine's behaviour.
        reason: the reason why it is not implemented; "" if it is.
        family: address family of the flows that kill it; ipv6 needs a cluster with both families.
        listed: False if it reproduces no historical bug and no case may be written for it.
    """

    id: str
    tier: Tier
    requirements: tuple[str, ...]
    bugs: tuple[str, ...]
    sentence: str
    reason: str = ""
    family: str = "ipv4"
    listed: bool = True


class MutantRow(Struct, frozen=True, forbid_unknown_fields=True):
    """A row of mutants.yaml; see Mutant for the fields: found_by has its requirements, not_built its reason."""

    bugs: tuple[str, ...]
    found_by: tuple[str, ...] = ()
    sentence: str = ""
    not_built: str = ""
    family: Literal["ipv4", "ipv6"] = "ipv4"


class Bug(Struct, frozen=True, forbid_unknown_fields=True):
    """A historical bug.

    Attributes:
        project: the project that had it.
        link: address of its description.
        sentence: the wrong behaviour.
    """

    project: str
    link: str
    sentence: str


def load() -> list[Mutant]:
    """All mutants of the file, in its order.

    Raises:
        BadFileError: a row has a wrong field; the message has its line.
    """
    tiers = datafile.read(PATH, dict[Tier, dict[str, MutantRow]], "tests/sensitivity/mutants.yaml")
    sentences = implemented()
    return [
        Mutant(
            identity,
            tier,
            row.found_by,
            row.bugs,
            row.sentence or sentences[identity],
            row.not_built,
            row.family,
        )
        for tier, rows in tiers.items()
        for identity, row in rows.items()
    ]


def unlisted() -> list[Mutant]:
    """Mutants that measure how wide generated states are, which alone have to kill them (decision 23)."""
    return [
        Mutant(
            name,
            "generated",
            ("G01", "G02"),
            (),
            UNLISTED[name].__doc__ or "",
            family="ipv6" if name in OF_IPV6 else "ipv4",
            listed=False,
        )
        for name in sorted(UNLISTED)
    ]


@cache
def implemented() -> Mapping[str, str]:
    """The docstring of the function in mutants/ of every implemented mutant, by the mutant's id."""
    return {
        str(decorator.args[0].value): ast.get_docstring(node) or ""
        for path in sorted((FOLDER / "mutants").glob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef)
        for decorator in node.decorator_list
        if isinstance(decorator, ast.Call) and isinstance(decorator.func, ast.Name) and decorator.func.id == "mutant"
        if isinstance(decorator.args[0], ast.Constant)
    }


@cache
def bugs() -> Mapping[str, Bug]:
    """Every historical bug by its name."""
    return datafile.read(BUGS, dict[str, Bug], "tests/sensitivity/bugs.yaml")
