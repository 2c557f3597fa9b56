"""The mutants and the historical bugs that they put back in, as mutants.yaml and bugs.yaml list them."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from policies import datafile

if TYPE_CHECKING:
    from collections.abc import Mapping

FOLDER = Path(__file__).parent
PATH = FOLDER / "mutants.yaml"
BUGS = FOLDER / "bugs.yaml"
Tier = Literal["static", "fixture", "generated", "sequences"]


@dataclass(frozen=True)
class Mutant:
    """A mutant.

    Attributes:
        id: M and a number.
        tier: the cheapest kind of case that can find it: static, fixture, generated or sequences.
        requirements: those of which one has to find it; none where it is not built.
        bugs: the historical bugs that are of its kind, by their names in bugs.yaml.
        sentence: what it does.
        reason: why it is not built.
        family: of the flows that find it; ipv6 takes a dual stack.
    """

    id: str
    tier: Tier
    requirements: tuple[str, ...]
    bugs: tuple[str, ...]
    sentence: str
    reason: str = ""
    family: str = "ipv4"


class MutantRow(Struct, frozen=True, forbid_unknown_fields=True):
    """A row of mutants.yaml; the fields are those of Mutant."""

    bugs: tuple[str, ...]
    found_by: tuple[str, ...] = ()
    sentence: str = ""
    not_built: str = ""
    family: Literal["ipv4", "ipv6"] = "ipv4"


class Bug(Struct, frozen=True, forbid_unknown_fields=True):
    """A historical bug: the project that had it, where it is described, and what went wrong in a sentence."""

    project: str
    link: str
    sentence: str


def load() -> list[Mutant]:
    """All mutants of the file, in its order.

    Raises:
        BadFileError: a row has a wrong field; the message has its line.
    """
    tiers = datafile.read(PATH, dict[Tier, dict[str, MutantRow]], "tests/sensitivity/mutants.yaml")
    sentences = built()
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


@cache
def built() -> Mapping[str, str]:
    """Every mutant that has a function in mutants/, and the function's docstring."""
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
