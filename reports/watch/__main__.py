"""Certify again and again on a cluster, and serve the newest metrics over HTTP, until SIGINT or SIGTERM.

Usage: `nox -s watch -- --every 10m [--port N] [OPTIONS of certify]`
"""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from reports.watch import arguments, served
from reports.watch.loop import Watch, print_line
from reports.watch.stop import Stop

if TYPE_CHECKING:
    from collections.abc import Sequence

    from filelock import AcquireReturnProxy

LOCK = ".watch.lock"


def main(texts: Sequence[str]) -> int:
    """Watch; returns the exit code."""
    try:
        chosen = arguments.parse(texts)
        with _lock(chosen):
            _watch(chosen)
    except arguments.RefusedError as error:
        sys.stderr.write(f"netproof: {error}\n")
        return error.exit_code
    return 0


def _lock(chosen: arguments.Arguments) -> AcquireReturnProxy[FileLock]:
    """Return the lock of the folder of runs, held: two watches would delete each other's runs.

    Raises:
        RefusedError: the folder cannot be written, or another watch uses it.
    """
    try:
        chosen.out.mkdir(parents=True, exist_ok=True)
        return FileLock(chosen.out / LOCK, timeout=0).acquire()
    except OSError as error:  # Timeout is one
        reason = "another watch uses it" if isinstance(error, Timeout) else str(error)
        raise arguments.RefusedError(f"--out {chosen.out}: {reason}.") from error


def _watch(chosen: arguments.Arguments) -> None:
    """Serve and run until a request to end."""
    with contextlib.closing(Stop()) as stop, served.serve(served.State(), chosen.address, chosen.port) as server:
        stop.on_signals()
        print_line(f"metrics: {server.url} (Ctrl-C ends the run in progress, and then the watch)")
        Watch(chosen, server.state, stop).forever()
        print_line(f"ended; the runs are in {chosen.out}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
