"""Run the suites as a user does, for what they say and how they end."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fixtures import paths

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Ended:
    """How a run ended.

    Attributes:
        code: its exit code.
        said: everything it printed.
    """

    code: int
    said: str


def pytest_suites(
    *arguments: str,
    prefix: tuple[str, ...] = (),
    environment: Mapping[str, str] | None = None,
    suite: str = "suites/datapath",
) -> Ended:
    """Run pytest on a suite with these options, perhaps inside another command."""
    command = [*prefix, sys.executable, "-m", "pytest", "-q", suite, *arguments]
    done = subprocess.run(
        command,
        cwd=paths.ROOT,
        env=os.environ | {"COLUMNS": "300"} | dict(environment or {}),
        capture_output=True,
        text=True,
        check=False,
    )
    return Ended(done.returncode, done.stdout + done.stderr)
