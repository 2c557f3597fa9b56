"""Which mutants there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    Mutant = Callable[[], None]

MUTANTS: dict[str, Mutant] = {}


def mutant(identity: str) -> Callable[[Mutant], Mutant]:
    """Note a function that changes the engine's modules into a mutant."""

    def note(change: Mutant) -> Mutant:
        assert identity not in MUTANTS, identity
        MUTANTS[identity] = change
        return change

    return note
