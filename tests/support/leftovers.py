"""What of a lab could be left on this machine: processes, interfaces, mounts, namespaces' names in /run."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from fixtures.clusters.lab.processes import descendants


@dataclass(frozen=True)
class Machine:
    """The machine's state as far as a lab could change it.

    Attributes:
        interfaces: names of the network interfaces here.
        mounts: mount points.
        run: entries of /run, two levels deep.
    """

    interfaces: frozenset[str]
    mounts: frozenset[str]
    run: frozenset[str]


def machine() -> Machine:
    """The state now."""
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
    """Those of some processes that still run; zombies nobody has collected yet do not."""

    def runs(pid: int) -> bool:
        try:
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        except OSError:
            return False

    return {pid for pid in pids if runs(pid)}


def family_of(pid: int) -> set[int]:
    """A process and everything below it."""
    return {pid, *descendants(pid)}
