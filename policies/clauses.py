"""The clauses of NetworkPolicy's semantics, read from policies/clauses.yaml; messages cite them by number."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from policies import datafile
from policies.datafile import BadFileError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

PATH = Path(__file__).parent / "clauses.yaml"
SCHEMA = PATH.with_suffix(".schema.json")


@dataclass(frozen=True)
class Clause:
    """One sentence of the semantics.

    Attributes:
        number: cited by cases and messages.
        sentence: the rule.
        link: the page that states it.
        status: defined, ambiguous or implementation-defined.
        ambiguities: names of the ambiguities that it leaves to implementations.
        no_case: why no case covers it; "" if one does.
    """

    number: int
    sentence: str
    link: str
    status: str
    ambiguities: tuple[str, ...] = ()
    no_case: str = ""

    def __str__(self) -> str:
        return f"clause {self.number}: {self.sentence}"


@cache
def load() -> Mapping[int, Clause]:
    """Every clause by its number, in the order of the file.

    Raises:
        BadFileError: the file breaks its schema, or two clauses have the same number.
    """
    document = datafile.load(PATH, SCHEMA, "policies/clauses.yaml")
    sources, result = document.data["sources"], {}
    for index, row in enumerate(document.data["clauses"]):
        if row["number"] in result:
            raise document.bad(("clauses", index, "number"), f"{row['number']} is used twice")
        name, hash_, fragment = row.pop("source").partition("#")
        if name not in sources and not name.startswith("https://"):
            raise document.bad(("clauses", index, "source"), f"{name} is not among the sources")
        ambiguities = tuple(row.pop("ambiguities", ()))
        result[row["number"]] = Clause(link=sources.get(name, name) + hash_ + fragment, ambiguities=ambiguities, **row)
    return result


def of_ambiguity(ambiguity: str) -> int:
    """The number of the clause that leaves an ambiguity.

    Raises:
        BadFileError: no clause names it.
    """
    for clause in load().values():
        if ambiguity in clause.ambiguities:
            return clause.number
    raise BadFileError(f"policies/clauses.yaml: no clause names the ambiguity {ambiguity}.")


def legend(numbers: Iterable[int]) -> tuple[str, ...]:
    """The sentences of the clauses that a message cites, one line each, sorted by number; they go to its end."""
    return tuple(str(load()[number]) for number in sorted(set(numbers)))
