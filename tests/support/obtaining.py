"""Obtain programs in a process of its own that can be killed; the modules are those of a folder of the test.

`python -m tests.support.obtaining FOLDER NAME …` reads the folder's programs.toml; everything else is netproof's own.
Its last line of output has the path of each program, by name, as JSON.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fixtures import paths, waiting
from fixtures.binaries import catalogue, programs
from fixtures.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Mapping

PATIENCE = 30.0  # seconds until a run has ended; our patience: the first build also compiles Go's runtime


@dataclass(frozen=True)
class Run:
    """A running process that obtains programs, in a process group of its own.

    Attributes:
        process: the process.
        log: the file with the lines that it shows, and with its result.
    """

    process: subprocess.Popen[bytes]
    log: Path

    @staticmethod
    def begin(folder: Path, *names: str, log: Path, environment: Mapping[str, str]) -> Run:
        """Begin to obtain programs; `environment` is added to that of this process."""
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", __name__, str(folder), *names],
                cwd=paths.ROOT,
                env=os.environ | environment,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        return Run(process, log)

    def text(self) -> str:
        """What the run has shown so far."""
        return self.log.read_text()

    def kill(self, *, group: bool = True) -> None:
        """Kill the process with all that it started, or it alone, and wait for its end."""
        if group:
            with contextlib.suppress(ProcessLookupError):  # all of them have ended
                os.killpg(self.process.pid, signal.SIGKILL)
        else:
            self.process.kill()
        self.process.wait()

    def result(self) -> dict[str, Path]:
        """Wait for the end; the programs by name."""
        code = self.process.wait(PATIENCE)
        assert code == 0, self.text()
        return {name: Path(path) for name, path in json.loads(self.text().splitlines()[-1]).items()}

    def shows(self, line: str) -> None:
        """Wait until the run has shown a text."""
        waiting.until(lambda: line in self.text(), f"{line!r} in the lines of the run", patience=PATIENCE)


def main(folder: str, *names: str) -> None:
    """Obtain the programs, and print their paths."""
    catalogue.FOLDER = Path(folder)
    found = programs.obtain(names, {}, Progress())
    print(json.dumps({name: str(program.path) for name, program in found.items()}))  # noqa: T201 - the result


if __name__ == "__main__":
    main(*sys.argv[1:])
