"""An open lab, and the suites run against it as a user runs them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
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

SUITES = ("suites/datapath", "suites/services", "suites/egress")


@dataclass
class OpenLab:
    """A lab that stays open while the tests of this process run.

    Attributes:
        testbed: the cluster with flannel:vxlan and probe pods.
        out: its folder, which --attach takes.
    """

    testbed: Testbed
    out: Path

    def certify(self, out: Path, *arguments: str) -> dict[str, str]:
        """Run the suites against it in a process of their own; requirement id → verdict."""
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
        for row in document["requirements"]:
            if row["verdict"] == "failed":  # pytest shows this where a test goes red
                sys.stdout.write("\n".join([f"{row['id']} failed:", *(case["message"] for case in row["cases"]), ""]))
        return {row["id"]: row["verdict"] for row in document["requirements"]}


def lab(out: Path, **chosen: object) -> LabProvider:
    """The lab of these options, by their keys; out is its folder."""
    return LabProvider.of(options.values(LabProvider.options(), chosen), out, Progress())


@contextmanager
def opened(out: Path, **chosen: object) -> Iterator[OpenLab]:
    """A lab of these options while something runs; out is its folder."""
    provider = lab(out, **chosen)
    try:
        testbed = provider.up()
        testbed.save(out)
        yield OpenLab(testbed, out)
        testbed.forget_probers()
    finally:
        provider.down()


@contextmanager
def staged(out: Path, count: int = WORKSPACES, **chosen: object) -> Iterator[WorkspacePool]:
    """So many open stages in a lab of these options."""
    with opened(out, **chosen) as one:
        made = WorkspacePool(one.testbed, Progress(), count)
        try:
            made.open()
            yield made
        finally:
            made.close()
