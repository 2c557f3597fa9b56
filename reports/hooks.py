"""The hooks of pytest that reports call and other plugins implement."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path


@pytest.hookspec(firstresult=True)
def pytest_netproof_active(config: pytest.Config) -> bool | None:
    """Return whether this run uses a cluster; only such runs are reported."""


@pytest.hookspec(firstresult=True)
def pytest_netproof_facts(config: pytest.Config) -> dict[str, Any] | None:
    """Return facts of the run for the report.

    They are cni, cluster, programs, cache (a folder), claims (rows of the plugin's claims.yaml) and, if the
    cluster failed, failure: {reason, exit_code}.
    """


@pytest.hookspec(firstresult=True)
def pytest_netproof_requirements(config: pytest.Config) -> list[Path] | None:
    """Return the requirement files in the folder of the plugin under test."""


@pytest.hookspec(firstresult=True)
def pytest_netproof_plugin(config: pytest.Config) -> str | None:
    """Return plugin:variant, before the cluster exists; the run's folder is named after it."""


@pytest.hookspec(firstresult=True)
def pytest_netproof_lateness(config: pytest.Config, begun: float, ended: float) -> dict[str, Any] | None:
    """Return how late the machine was between two monotonic times; reports/lateness.py lists the keys."""


@pytest.hookspec(firstresult=True)
def pytest_netproof_owners(config: pytest.Config) -> list[tuple[Path, str, Collection[str]]] | None:
    """Return folder, variant and all variants of the plugin under test, then those of the policy engine beside it."""
