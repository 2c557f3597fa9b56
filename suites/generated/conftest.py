"""Collect the replay cases with --replay only."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Ignore test_replay.py without --replay."""
    return True if collection_path.name == "test_replay.py" and not config.option.replay else None
