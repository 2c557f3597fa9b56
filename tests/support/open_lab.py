"""Open a lab for tests, and run the suites on it in a process of their own, as a user does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fixtures import paths
from fixtures.progress import Progress
from fixtures.providers.lab import LabProvider
from fixtures.run import options
from fixtures.workspaces.pool import WORKSPACES, WorkspacePool

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fixtures.testbed.testbed import Testbed

SUITES = ("suites/datapath", "suites/services", "suites/egress", "suites/performance")


@dataclass
class OpenLab:
    """A lab that stays open while tests of this process run.

    Attributes:
        testbed: the cluster with its plugin and probe pods.
        out: the lab's folder, the argument of --attach.
        failures: what the failed requirements of the last run said, a line each; for the message of an assertion.
    """

    testbed: Testbed
    out: Path
    failures: list[str] = field(default_factory=list)

    def certify(self, out: Path, *arguments: str) -> dict[str, str]:
        """Run the suites on the lab in a process of their own; returns requirement id → verdict.

        Args:
            out: the folder of the run.
            arguments: options of pytest and netproof.
        """
        command = [sys.executable, "-m", "pytest", "-q", *SUITES, "--attach", str(self.out), "--no-page"]
        done = subprocess.run(
            [*command, "--out", str(out), *arguments],
            cwd=paths.ROOT,
            env=os.environ | {"COLUMNS": "200"},
            capture_output=True,
            text=True,
            check=False,
        )
        path = out / "verdict.json"
        assert path.exists(), f"no verdict.json:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        document = json.loads(path.read_text())
        assert done.returncode == document["exit_code"]
        self.failures = [
            f"{row['id']}: {case['message']}"
            for row in document["requirements"]
            if row["verdict"] == "failed"
            for case in row["cases"]
        ]
        return {row["id"]: row["verdict"] for row in document["requirements"]}


def lab(out: Path, **chosen: object) -> LabProvider:
    """Return the provider of a lab.

    Args:
        out: the lab's folder.
        chosen: options by their keys, such as cni or nodes.
    """
    return LabProvider.of(options.values(LabProvider.options(), chosen), out, Progress())


@contextmanager
def opened(out: Path, **chosen: object) -> Iterator[OpenLab]:
    """Bring a lab up and down again; the arguments are those of `lab`."""
    provider = lab(out, **chosen)
    try:
        testbed = provider.up()
        testbed.save(out)
        yield OpenLab(testbed, out)
        testbed.forget_probers()
    finally:
        provider.down()


@contextmanager
def workspaces_in_lab(out: Path, count: int = WORKSPACES, **chosen: object) -> Iterator[WorkspacePool]:
    """Open a number of workspaces in a lab; the other arguments are those of `lab`."""
    with opened(out, **chosen) as open_lab:
        pool = WorkspacePool(open_lab.testbed, Progress(), count)
        try:
            pool.open()
            yield pool
        finally:
            pool.close()
