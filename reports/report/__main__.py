"""Render report.html again from the verdict.json of a run.

Usage: `python -m reports.report RUN-FOLDER…`
"""

from __future__ import annotations

import sys
from pathlib import Path

from reports import stored
from reports.report import page


def main(folders: list[str]) -> int:
    """Render the page of each folder and print its path; returns the exit code."""
    if not folders:
        sys.stderr.write(__doc__ or "")
        return 4
    for folder in folders:
        try:
            sys.stdout.write(f"report: {page.write(Path(folder))}\n")
        except stored.NoVerdictError as error:
            sys.stderr.write(f"{error}\n")
            return 4
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
