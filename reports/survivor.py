"""A process that survives the run that starts it, and writes the reports of the run if that was killed.

Usage: `python -m reports.survivor RUN-FOLDER`, with a pipe as standard input that the run closes when it ends. While
it waits it has loaded the standard library only, and costs a run that ends by itself some milliseconds.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
ENDED = b"ended"  # what a run writes into the pipe when it ends by itself


def start(folder: Path) -> subprocess.Popen[bytes]:
    """Start it for a run of this process, in a session of its own, so that no signal for the run reaches it."""
    return subprocess.Popen(
        [sys.executable, "-m", __spec__.name, str(folder)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )


def stop(process: subprocess.Popen[bytes]) -> None:
    """Tell it that the run has ended, and wait until it has, too."""
    process.communicate(ENDED)


def main(folder: Path) -> None:
    """Wait until the run has ended, and write its reports if it was killed before it wrote them."""
    if sys.stdin.buffer.read() == ENDED:
        return
    from reports import journal, unfinished  # noqa: PLC0415 - most runs do not need them

    written = journal.read(folder, patience=True)
    if written and not written.ended:
        sys.stderr.write(f"\n{unfinished.write_again(folder)}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
