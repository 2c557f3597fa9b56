"""Certify once, in a process of its own that ends in order when the watch has to end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from reports.watch.stop import Stop

OUTPUT = "output.txt"
PATIENCE = 120.0  # seconds for a run to delete its objects and end; our patience


def run(command: Sequence[str], out: Path, stop: Stop) -> int:
    """Certify once, and return the exit code; negative if a signal ended it.

    The process has a session of its own, so that Ctrl-C reaches only the watch, which sends the run one SIGINT: pytest
    then ends in order, and the cluster is left as it was. A second request, or the end of patience, kills it. If the
    watch itself is killed, the run goes on to its end, so that it deletes its objects. (The kernel could send it a
    SIGINT then, but sends one for each thread of the watch, and the second one would interrupt the deletion.)

    Args:
        command: arguments of Python, without --out.
        out: the run's folder, which exists; the output of the process goes there, too.
        stop: requests to end.
    """
    arguments = [sys.executable, *command, "--out", str(out)]
    with (out / OUTPUT).open("wb") as output:
        process = subprocess.Popen(
            arguments, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
        ended = os.pidfd_open(process.pid)
        try:
            stop.wait(None, ended)
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
                stop.wait(PATIENCE, ended)
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            return process.wait()
        finally:
            os.close(ended)


def last_line(text: str) -> str:
    """Return the last line of a run's output, the reason why it wrote no verdict; "" if there is none."""
    lines = [line.strip("! ") for line in text.splitlines() if line.strip("! ")]
    return lines[-1].removeprefix("_pytest.outcomes.Exit: ").removeprefix("ERROR: ") if lines else ""


def output_of(out: Path) -> str:
    """Return the output of a run."""
    return (out / OUTPUT).read_text(encoding="utf-8", errors="replace")
