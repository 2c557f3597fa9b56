"""Certify again and again, whatever comes of it."""

from __future__ import annotations

import contextlib
import datetime
import math
import signal
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reports import outcome, stored
from reports.outcome import Verdict
from reports.watch import child, folders
from reports.watch.arguments import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from reports.watch.arguments import Arguments
    from reports.watch.served import State
    from reports.watch.stop import Stop

    Run = Callable[[Sequence[str], Path, Stop], int]

WRONG_USE = 4  # exit code


@dataclass
class Watch:
    """Runs of certify, one after another.

    Attributes:
        arguments: what to run and how often.
        state: receives the results.
        stop: requests to end.
        run: certifies once; child.run, or a stand-in.
    """

    arguments: Arguments
    state: State
    stop: Stop
    run: Run = child.run

    def forever(self) -> None:
        """Run until a request to end.

        Beginnings are multiples of the interval after the first one; those that a long run passes are left out.

        Raises:
            RefusedError: the first run was refused for its options.
        """
        begun = time.monotonic()
        self.state.numbers["netproof_watch_interval_seconds"] = self.arguments.every
        is_first = True
        while not self.stop.requests:
            self._once(is_first=is_first)
            is_first = False
            passed = time.monotonic() - begun
            if not self.stop.requests:
                self.stop.wait(math.ceil(passed / self.arguments.every) * self.arguments.every - passed)

    def _once(self, *, is_first: bool) -> None:
        """Run once, record the result, and print a line about it.

        Raises:
            RefusedError: it was the first run, and its options are wrong.
        """
        started = datetime.datetime.now(datetime.UTC)
        self.state.begin()
        try:
            out = folders.create(self.arguments.out, started)
            code = self.run(self.arguments.command, out, self.stop)
        except OSError as error:
            self._end(started, outcome.EXIT_CODES[Verdict.ERROR], None, str(error))
            return
        self._prune()
        if self.stop.requests:  # the run was ended, so its result means nothing
            if code == -signal.SIGKILL:
                print_line("the run did not end in order; `./noxw -s clean` deletes what it left")
            return
        document, reason = self._result(out)
        if code == WRONG_USE and is_first and document is None:
            raise RefusedError(reason)
        self._end(started, code, document, f"{reason} {out}")

    def _result(self, out: Path) -> tuple[dict[str, Any] | None, str]:
        """Return the content of verdict.json, or None, and a sentence about the run."""
        try:
            document = stored.read(out)
        except stored.NoVerdictError:
            return None, child.last_line(child.output_of(out)) or "no output"
        closing = outcome.CLOSING[Verdict(document["verdict"])].format(cni=document["cni"])
        return document, str(document.get("reason") or closing)

    def _end(self, started: datetime.datetime, code: int, document: dict[str, Any] | None, sentence: str) -> None:
        self.state.end(code, document, time.time())
        print_line(f"{started:%Y-%m-%dT%H:%M:%SZ} exit code {code}: {' '.join(sentence.split())}")

    def _prune(self) -> None:
        try:
            folders.prune(self.arguments.out, self.arguments.keep)
        except OSError as error:
            print_line(f"old run folders cannot be deleted: {error}")


def print_line(text: str) -> None:
    """Print a line at once, also into a pipe; one that nobody reads any more ends no watch."""
    with contextlib.suppress(OSError):
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
