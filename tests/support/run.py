"""Run the suites as a user does, for what they report and how they end."""

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
class Ended:
    """How a run ended.

    Attributes:
        code: its exit code.
        said: everything it printed.
    """

    code: int
    said: str

    def require(self, code: int, *words: str) -> None:
        """Fail unless it ended with this code and named all of these: the option, the value, what would be right."""
        missing = [word for word in words if word not in self.said]
        assert (self.code, missing) == (code, []), f"it ended with {self.code}, {missing} missing in:\n{self.said}"
        assert "Traceback" not in self.said, self.said


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
        env=os.environ | WIDE | dict(environment or {}),
        capture_output=True,
        text=True,
        check=False,
    )
    return Ended(done.returncode, done.stdout + done.stderr)


def refused(*arguments: str, suite: str = "suites/datapath", **environment: str) -> Ended:
    """The same in this process, for runs that end before a cluster is made: all of pytest but a new interpreter.

    What these runs share with this one is restored: the environment, and the records of the reporting plugin.
    """
    said = io.StringIO()
    with (
        mock.patch.dict(os.environ, WIDE | environment),
        mock.patch.object(reports.plugin, "CONTROLLER", None),
        contextlib.redirect_stdout(said),
        contextlib.redirect_stderr(said),
    ):
        code = pytest.main(["-q", "--capture=no", str(paths.ROOT / suite), *arguments])
    return Ended(int(code), said.getvalue())
