"""What mutants.yaml says: which mutants are built, what has to find each, and why the others are not there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml

PATH = Path(__file__).parent / "mutants.yaml"


@dataclass(frozen=True)
class Mutant:
    """A mutant.

    Attributes:
        id: its number in policy-bugs.
        tier: the cheapest kind of test that can find it.
        requirements: those of which one has to find it; none where it is not built.
        reason: why it is not built.
        family: of the flows that find it; ipv6 takes a dual stack.
    """

    id: str
    tier: str
    requirements: tuple[str, ...]
    reason: str = ""
    family: str = "ipv4"


def load() -> list[Mutant]:
    """All mutants of the file, in its order."""
    found = []
    for tier, rows in yaml.safe_load(PATH.read_text()).items():
        for identity, said in rows.items():
            built = isinstance(said, list)
            ids = tuple(name for name in said if name != "ipv6") if built else ()
            family = "ipv6" if built and "ipv6" in said else "ipv4"
            found.append(Mutant(identity, tier, ids, "" if built else said, family))
    return found
