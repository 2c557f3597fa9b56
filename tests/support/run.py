"""Run the suites as a user does, and check their output and exit code."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING
from unittest import mock

import pytest

import reports.plugin
from fixtures import paths

if TYPE_CHECKING:
    from collections.abc import Mapping

WIDE = {"COLUMNS": "300"}  # so that no message is wrapped


@dataclass(frozen=True)
class RunResult:
    """The result of a run.

    Attributes:
        code: its exit code.
        output: its standard output and standard error.
    """

    code: int
    output: str

    def require(self, code: int, *texts: str) -> None:
        """Assert the exit code, that the output contains all of some texts, and that it has no traceback."""
        missing = [text for text in texts if text not in self.output]
        assert (self.code, missing) == (code, []), f"exit code {self.code}, {missing} missing in:\n{self.output}"
        assert "Traceback" not in self.output, self.output


def pytest_suites(
    *arguments: str,
    prefix: tuple[str, ...] = (),
    environment: Mapping[str, str] | None = None,
    suite: str = "suites/datapath",
) -> RunResult:
    """Run pytest on a suite in a process of its own.

    Args:
        arguments: options of pytest and netproof.
        prefix: a command that runs pytest, such as `unshare …`.
        environment: variables to add to those of this process.
        suite: the folder of the suite, from the root of the repository.
    """
    command = [*prefix, sys.executable, "-m", "pytest", "-q", suite, *arguments]
    done = subprocess.run(
        command,
        cwd=paths.ROOT,
        env=os.environ | WIDE | dict(environment or {}),
        capture_output=True,
        text=True,
        check=False,
    )
    return RunResult(done.returncode, done.stdout + done.stderr)


def refused(*arguments: str, suite: str = "suites/datapath", **environment: str) -> RunResult:
    """Run pytest on a suite in this process, which is faster; for runs that are rejected before a cluster is created.

    The state that such a run changes in this process is restored: the environment and the reporting plugin.
    """
    output = io.StringIO()
    with (
        mock.patch.dict(os.environ, WIDE | environment),
        mock.patch.object(reports.plugin, "CONTROLLER", None),
        contextlib.redirect_stdout(output),
        contextlib.redirect_stderr(output),
    ):
        code = pytest.main(["-q", "--capture=no", str(paths.ROOT / suite), *arguments])
    return RunResult(int(code), output.getvalue())
