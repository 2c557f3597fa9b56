"""The folders of a watch's runs: their names, and which are deleted."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import datetime
    from pathlib import Path

NAME = re.compile(r"\d{8}T\d{6}\.\d{6}Z-watch", re.ASCII)


def create(out: Path, now: datetime.datetime) -> Path:
    """Create the folder of a run that starts now, in UTC; its name sorts by time.

    Raises:
        OSError: it cannot be created, or exists.
    """
    folder = out / f"{now:%Y%m%dT%H%M%S.%f}Z-watch"
    folder.mkdir(parents=True)
    return folder


def prune(out: Path, keep: int) -> None:
    """Delete the folders of runs except the newest ones; whatever else is in the folder stays.

    Raises:
        OSError: a folder cannot be deleted.
    """
    runs = sorted(
        path for path in out.iterdir() if NAME.fullmatch(path.name) and path.is_dir() and not path.is_symlink()
    )
    for path in runs[:-keep]:
        shutil.rmtree(path)
