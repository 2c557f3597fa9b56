"""Compose the command that repeats a failure: the options of its run, the seeds that were drawn, its requirements."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# Beginnings of the arguments that nox sessions add.
SESSION_ARGUMENTS = ("suites/", "-q", "-rN", "-m", "--tb", "--no-header", "-p", "no:")
REPLACED = ("--only", "--out", "--seed", "--shuffle")  # options for which the command has values of its own
# Session: the argument that only it passes to pytest.
SESSIONS = {
    "chaos": "suites/chaos",
    "motion": "suites/motion",
    "migrate": "--migrate-to",
    "replay": "suites/generated/test_replay.py",
    "perf": "suites/performance/test_paths.py",
}
# Options that leave out cases of a session; a file of a suite as an argument does so, too.
NARROWING = ("--only", "--cases", "-k", "-m", "--deselect", "--ignore")
REQUIRED_BY_ALL = {"migrate": ("K09", "K10")}  # ids of the cases that the other cases of a session depend on


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

    @property
    def session(self) -> str:
        """The nox session that started the run, or would have."""
        texts = [str(argument) for argument in self.arguments]
        return next((name for name, own in SESSIONS.items() if any(own in text for text in texts)), "certify")


def scope(run: Run) -> dict[str, Any]:
    """Return which cases a run was to have, as verdict.json has it: its session, and options that left some out."""
    texts = [str(argument) for argument in run.arguments]
    options = [name for name in NARROWING if any(_is_option(text, name) for text in texts)]
    is_file = any(".py" in text for text in texts if text.startswith("suites/") and text not in SESSIONS.values())
    narrowed_by = options + ["FILE"] * is_file
    return {"session": run.session} | ({"narrowed_by": narrowed_by} if narrowed_by else {})


def _is_option(text: str, name: str) -> bool:
    """Return whether an argument is an option, with its value or without: --only, --only=D01, -k, -kdns."""
    return text.partition("=")[0] == name or (not name.startswith("--") and text[:2] == name)


def commands(run: Run, ids: str) -> str:
    """Return the command that checks requirements again, as lines of a shell script.

    After a shuffled run a second command repeats the whole run in the same order.

    Args:
        run: the run that failed.
        ids: ids of requirements, separated by commas.
    """
    needed = dict.fromkeys([*REQUIRED_BY_ALL.get(run.session, ()), *ids.split(",")])
    again = f"{_command(run, REPLACED)} --only {','.join(needed)}\n"
    if run.shuffle is None:
        return again
    return f"{again}# With everything that ran before it:\n{_whole(run)}\n"


def command(run: Run, ids: str) -> str:
    """Return the command that checks requirements again, in one line.

    Args:
        run: the run that has ended.
        ids: ids of requirements, separated by commas; "" for all of the run.
    """
    if ids:
        return commands(run, ids).partition("\n")[0]
    return _whole(run)


def both(run: Run, ids: str) -> dict[str, str]:
    """Return both commands, as verdict.json has them: of the whole run and, if there are ids, of these only."""
    return {"run": _whole(run)} | ({"failed": command(run, ids)} if ids else {})


def _whole(run: Run) -> str:
    """Return the command of the whole run, with its own --only."""
    return _command(run, tuple(name for name in REPLACED if name != "--only"))


def _command(run: Run, replaced: Sequence[str]) -> str:
    """Return the command of a run without the values of some options, with the seeds that were drawn."""
    seeds = ["--seed", str(run.seed)] + (["--shuffle", str(run.shuffle)] if run.shuffle is not None else [])
    kept = list(_kept_arguments(run.arguments, replaced))
    if run.session == "replay" and "--replay" in kept:
        kept.remove("--replay")  # the session adds it before the file
    return f"./noxw -s {run.session} -- {shlex.join([*kept, *seeds])}"


def _kept_arguments(arguments: Sequence[object], replaced: Sequence[str]) -> Iterator[str]:
    """Yield the arguments that the repeated command shares with the original one."""
    texts = [str(argument) for argument in arguments]
    for previous, text in zip(["", *texts], texts, strict=False):
        is_replaced_value = previous in replaced and not text.startswith("-")
        if not (is_replaced_value or text.partition("=")[0] in replaced or text.startswith(SESSION_ARGUMENTS)):
            yield text
