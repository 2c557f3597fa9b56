"""The names of the files for other programs, and writing them to a run's folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reports import stored
from reports.exports import conformance, junit, metrics

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

# Name of a file → what renders it from the content of verdict.json; a file without content is not written.
FILES: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "junit.xml": junit.render,
    "metrics.txt": metrics.render,
    "conformance-report.yaml": conformance.render,
}


def write(folder: Path) -> list[Path]:
    """Write the files of a run from its verdict.json; returns their paths.

    Raises:
        stored.NoVerdictError: the folder has no verdict.json, or it is no JSON.
    """
    document = stored.read(folder)
    texts = {folder / name: render(document) for name, render in FILES.items()}
    for path, text in texts.items():
        if text:
            stored.replace(path, text)
        else:
            path.unlink(missing_ok=True)  # of an earlier version of verdict.json
    return [path for path, text in texts.items() if text]


def write_or_reason(folder: Path) -> str:
    """Write the files at the end of a run; returns "", or the reason why some are missing, in parentheses.

    The verdict and the exit code of a run stand, whatever is wrong with these files.
    """
    try:
        write(folder)
    except Exception as error:  # noqa: BLE001 - see above
        return f" (without {', '.join(FILES)}: {type(error).__name__}: {error})"
    return ""
