"""Reported runs of a few lines of cases: pytest with the reporting plugin in this process, without a cluster."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest

import reports.plugin
from fixtures import paths
from tests.support.run import RunResult

if TYPE_CHECKING:
    from pathlib import Path

    from fixtures.errors import NetproofError


class Cluster:
    """A pytest plugin that implements the hooks of the reporting plugin without a cluster.

    Args:
        failure: the error with which the cluster fails to come up; None if it comes up.
        folder: the folder of the plugin; None for a plugin without known divergences.
    """

    def __init__(self, failure: NetproofError | None = None, folder: Path | None = None) -> None:
        self.failure = failure
        self.folder = folder

    def pytest_addoption(self, parser: pytest.Parser) -> None:
        """Add the options that reports read."""
        parser.addoption("--only")
        parser.addoption("--cni", default="my-cni:plain")
        parser.addoption("--shuffle", type=int)

    def pytest_netproof_active(self) -> bool:
        """Pretend that this run has a cluster."""
        return True

    def pytest_netproof_plugin(self) -> str:
        """Name the plugin."""
        return "my-cni:plain"

    def pytest_netproof_owners(self) -> list[tuple[Path, str, tuple[str, ...]]]:
        """Return the folder of the plugin, if there is one, and its only variant."""
        return [(self.folder, "plain", ("plain",))] if self.folder else []

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        """Exit pytest if the cluster is to fail."""
        if self.failure:
            pytest.exit(str(self.failure), returncode=self.failure.exit_code)

    def pytest_netproof_facts(self, config: pytest.Config) -> dict[str, Any]:
        """Return facts of the run."""
        shape = {"provider": "lab", "nodes": 3, "families": ["ipv4"], "proxy_mode": "iptables", "mtu": 1500}
        known = {
            "cni": "my-cni:plain",
            "cluster": shape,
            "programs": [],
            "cache": str(config.option.out),
            "claims": [],
        }
        if self.failure:
            known["failure"] = {"reason": str(self.failure), "exit_code": self.failure.exit_code}
        return known


def run(folder: Path, suite: str, cluster: Cluster, *arguments: str) -> tuple[RunResult, dict[str, Any]]:
    """Run a suite in a folder; returns the result and the content of verdict.json, {} if it was not written.

    Args:
        folder: an empty folder.
        suite: the text of a file with cases.
        cluster: what the run knows of a cluster.
        arguments: options of pytest.
    """
    (folder / "test_suite.py").write_text(suite)
    sys.modules.pop("test_suite", None)  # pytest would run the suite of an earlier run
    options = ["-q", "--capture=no", "--rootdir", str(folder), "-c", str(paths.ROOT / "pyproject.toml")]
    options += ["-p", "xdist", "-p", "allure_pytest.plugin"]
    options += ["-p", "reports.plugin", "-p", "reports.journal_plugin", "--no-page", "--out", str(folder / "out")]
    output = io.StringIO()
    with (
        # Without plugins that the suite does not use: workers of xdist would import them.
        mock.patch.dict(os.environ, {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}),
        mock.patch.object(reports.plugin, "CONTROLLER", None),
        contextlib.redirect_stdout(output),
        contextlib.redirect_stderr(output),
    ):
        code = pytest.main([*options, *arguments, str(folder / "test_suite.py")], plugins=[cluster])
    path = folder / "out" / "verdict.json"
    return RunResult(int(code), output.getvalue()), json.loads(path.read_text()) if path.exists() else {}
