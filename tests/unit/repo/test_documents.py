"""Paths, sessions and placeholders in documents exist; tests/unit/repo/test_catalogue.py checks their links."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from fixtures import paths
from fixtures.faults import catalogue

if TYPE_CHECKING:
    from pathlib import Path

PAGES = [*paths.ROOT.glob("*.md"), *(paths.ROOT / "docs").rglob("*.md")]
PATH = re.compile(r"`((?:fixtures|policies|suites|reports|tests)/(?!out/)[\w./-]+?)(?:::[^`]*)?`")
SESSIONS = set(re.findall(r"@nox\.session.*\ndef (\w+)", (paths.ROOT / "noxfile.py").read_text()))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_paths_exist(page: Path) -> None:
    """Every path in backquotes that begins with a folder of the code exists."""
    assert [path for path in PATH.findall(page.read_text()) if not (paths.ROOT / path).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_sessions_exist(page: Path) -> None:
    """Every nox session that a page mentions is defined in noxfile.py."""
    assert set(re.findall(r"noxw? -s ([a-z_]+)", page.read_text())) <= SESSIONS


def test_every_placeholder_of_faults_is_documented() -> None:
    """Every placeholder in faults.yaml is a row of the table in docs/add-a-fault.md, so none is misspelt."""
    (rows,) = re.findall(r"\| placeholder .*?\n\n", (paths.ROOT / "docs" / "add-a-fault.md").read_text(), re.DOTALL)
    documented = set(re.findall(r"`\{([a-z_]+)\}`", rows))
    used = {
        (fault.id, name)
        for fault in catalogue.load().values()
        for script in (fault.save, fault.inject, fault.took_effect, fault.heal, fault.healed)
        for name in re.findall(r"(?<!\$)\{([a-z_]+)\}", script)
    }
    assert sorted(one for one in used if one[1] not in documented) == []
