"""Compose the command that repeats a failure: the options of its run, the seeds that were drawn, its requirements."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SESSION_ARGUMENTS = ("suites/", "-q", "-m", "--tb", "--no-header", "-p", "no:")  # beginnings; nox sessions add them
REPLACED = ("--only", "--out", "--seed", "--shuffle")  # options for which the command has values of its own


@dataclass(frozen=True)
class Run:
    """The inputs that determine a run.

    Attributes:
        arguments: pytest's command line.
        seed: the seed of everything random except the order of cases.
        shuffle: the seed of the order of cases; None if they ran in the order of the files.
    """

    arguments: Sequence[object]
    seed: int
    shuffle: int | None


def commands(session: str, run: Run, ids: str) -> str:
    """Return the command that checks requirements again, as lines of a shell script.

    After a shuffled run a second command repeats the whole run in the same order.

    Args:
        session: name of the nox session.
        run: the run that failed.
        ids: ids of requirements, separated by commas.
    """
    seeds = ["--seed", str(run.seed)] + (["--shuffle", str(run.shuffle)] if run.shuffle is not None else [])
    line = f"./noxw -s {session} -- {shlex.join([*_kept_arguments(run.arguments), *seeds])}"
    again = f"{line} --only {ids}\n"
    return again if run.shuffle is None else f"{again}# With everything that ran before it:\n{line}\n"


def _kept_arguments(arguments: Sequence[object]) -> Iterator[str]:
    """Yield the arguments that the repeated command shares with the original one."""
    texts = [str(argument) for argument in arguments]
    for previous, text in zip(["", *texts], texts, strict=False):
        is_replaced_value = previous in REPLACED and not text.startswith("-")
        if not (is_replaced_value or text.partition("=")[0] in REPLACED or text.startswith(SESSION_ARGUMENTS)):
            yield text
