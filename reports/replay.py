"""The command that repeats a failure: the options of its run, the seeds that were drawn, and its requirements."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PYTESTS = ("suites/", "-q", "-m", "--tb", "--no-header", "-p", "no:")  # what sessions give pytest by themselves
OWN = ("--only", "--out", "--seed", "--shuffle")  # the repetition has its own


@dataclass(frozen=True)
class Run:
    """What of a run its repetition needs.

    Attributes:
        arguments: pytest's command line.
        seed: of everything random.
        shuffle: the seed of the cases' order; None where they ran as they are written.
    """

    arguments: Sequence[object]
    seed: int
    shuffle: int | None


def commands(session: str, run: Run, ids: str) -> str:
    """The command that runs the requirements again, and after a shuffled run the one for all cases in its order.

    Args:
        session: of nox.
        run: the run that failed.
        ids: requirements, separated by commas.
    """
    seeds = ["--seed", str(run.seed)] + (["--shuffle", str(run.shuffle)] if run.shuffle is not None else [])
    line = f"./noxw -s {session} -- {shlex.join([*_kept(run.arguments), *seeds])}"
    again = f"{line} --only {ids}\n"
    return again if run.shuffle is None else f"{again}# With everything that ran before it:\n{line}\n"


def _kept(arguments: Sequence[object]) -> Iterator[str]:
    """The words of a command line that a repetition takes over."""
    words = [str(word) for word in arguments]
    for before, word in zip(["", *words], words, strict=False):
        of_own = before in OWN and not word.startswith("-")
        if not (of_own or word.partition("=")[0] in OWN or word.startswith(PYTESTS)):
            yield word
