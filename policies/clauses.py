"""The clauses of NetworkPolicy's semantics, read from policies/clauses.yaml: what a message that cites one means."""

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
        number: what cases and messages cite.
        sentence: what it says.
        link: the page that it comes from.
        status: defined, ambiguous or implementation-defined.
        questions: names of the open questions that it leaves to engines.
        no_case: why no case shows it; "" where one does.
    """

    number: int
    sentence: str
    link: str
    status: str
    questions: tuple[str, ...] = ()
    no_case: str = ""

    def __str__(self) -> str:
        return f"clause {self.number}: {self.sentence}"


@cache
def load() -> Mapping[int, Clause]:
    """Every clause by its number, in the order of the file.

    Raises:
        BadFileError: the file breaks its schema, or two clauses have one number; it names line and field.
    """
    document = datafile.load(PATH, SCHEMA, "policies/clauses.yaml")
    sources, found = document.data["sources"], {}
    for index, row in enumerate(document.data["clauses"]):
        if row["number"] in found:
            raise document.bad(("clauses", index, "number"), f"{row['number']} is used twice")
        name, hash_, fragment = row.pop("source").partition("#")
        if name not in sources and not name.startswith("https://"):
            raise document.bad(("clauses", index, "source"), f"{name} is not among the sources")
        questions = tuple(row.pop("questions", ()))
        found[row["number"]] = Clause(link=sources.get(name, name) + hash_ + fragment, questions=questions, **row)
    return found


def of_question(question: str) -> int:
    """The clause that leaves a question open.

    Raises:
        BadFileError: no clause names the question.
    """
    for clause in load().values():
        if question in clause.questions:
            return clause.number
    raise BadFileError(f"policies/clauses.yaml: no clause leaves the question {question} open.")


def legend(numbers: Iterable[int]) -> tuple[str, ...]:
    """The sentences of clauses that a message cites, a line each, by number; a message has it once, at its end."""
    return tuple(str(load()[number]) for number in sorted(set(numbers)))
