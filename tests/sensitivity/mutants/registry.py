"""The implemented mutants by id."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    Mutant = Callable[[], None]

MUTANTS: dict[str, Mutant] = {}


def mutant(identity: str) -> Callable[[Mutant], Mutant]:
    """Register a function that replaces parts of the engine's modules, as the mutant with this id."""

    def register(change: Mutant) -> Mutant:
        assert identity not in MUTANTS, identity
        MUTANTS[identity] = change
        return change

    return register
