"""Find traces of a lab on this machine: processes, interfaces, mounts, files in /run."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from fixtures.clusters.lab.processes import descendants


@dataclass(frozen=True)
class Machine:
    """The state of the machine that a lab could change.

    Attributes:
        interfaces: names of the network interfaces of this network namespace.
        mounts: mount points.
        run: paths in /run, two levels deep.
    """

    interfaces: frozenset[str]
    mounts: frozenset[str]
    run: frozenset[str]


def machine() -> Machine:
    """Read the current state."""
    links = subprocess.run(["ip", "-o", "link"], capture_output=True, text=True, check=True).stdout
    mounts = Path("/proc/self/mounts").read_text()
    run = list(Path("/run").glob("*"))
    run += [inner for path in run if path.is_dir() and os.access(path, os.R_OK | os.X_OK) for inner in path.glob("*")]
    return Machine(
        frozenset(line.split(": ")[1].split("@")[0] for line in links.splitlines()),
        frozenset(line.split()[1] for line in mounts.splitlines()),
        frozenset(str(path) for path in run),
    )


def alive(pids: set[int]) -> set[int]:
    """Return the processes that still run; a zombie does not run."""

    def runs(pid: int) -> bool:
        try:
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        except OSError:
            return False

    return {pid for pid in pids if runs(pid)}


def with_descendants(pid: int) -> set[int]:
    """Return a process and all its descendants."""
    return {pid, *descendants(pid)}
