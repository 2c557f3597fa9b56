"""The plugins: of clusters and reports always, of the suites where there are cases of theirs to run."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

pytest_plugins = [
    "fixtures.plugin",
    "fixtures.lateness_plugin",
    "reports.plugin",
    "reports.journal_plugin",
    "suites.support.order",
]


def pytest_configure(config: pytest.Config) -> None:
    """Give every case what suites share, wherever it lies: in suites/ or with a plugin."""
    if config.hook.pytest_netproof_active(config=config) or config.option.collectonly:
        config.pluginmanager.import_plugin("suites.plugin")
