"""The browser and the pages that its tests share; without Selenium there are no such tests."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

import pytest

from fixtures import paths
from reports import page as allure
from tests.browser import runs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.browser.chromium import Chromium

collect_ignore_glob = [] if importlib.util.find_spec("selenium") else ["test_*.py"]
AXE = paths.ROOT / "tests" / "browser" / "axe"


@pytest.fixture(scope="session")
def started() -> Iterator[Chromium]:
    """The browser; the tests end with exit code 3 without it."""
    from tests.browser.chromium import Chromium, NoBrowserError  # noqa: PLC0415 - it needs Selenium

    try:
        chromium = Chromium()
    except NoBrowserError as error:
        pytest.exit(str(error), returncode=error.exit_code)
    yield chromium
    chromium.close()


@pytest.fixture
def chromium(started: Chromium) -> Chromium:
    """The browser, as it is at first: a light screen on which scripts run."""
    started.scripts(run=True)
    started.look()
    return started


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """The file of each page of ours, by its name."""
    folder = tmp_path_factory.mktemp("pages")
    files = {name: folder / f"{name}.html" for name in runs.PAGES}
    for name, html in runs.pages().items():
        files[name].write_text(html, encoding="utf-8")
    return files


@pytest.fixture(scope="session")
def axe() -> str:
    """The script of axe-core."""
    modules = allure.packages(AXE, paths.cache(), "axe-core")
    return (modules / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
