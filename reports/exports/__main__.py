"""Write the files for other programs again from the verdict.json of a run.

Usage: `python -m reports.exports RUN-FOLDER…`
"""

from __future__ import annotations

import sys
from pathlib import Path

from reports import stored
from reports.exports import files


def main(folders: list[str]) -> int:
    """Write the files of each folder and print their paths; returns the exit code."""
    if not folders:
        sys.stderr.write(__doc__ or "")
        return 4
    for folder in folders:
        try:
            written = files.write(Path(folder))
        except stored.NoVerdictError as error:
            sys.stderr.write(f"{error}\n")
            return 4
        sys.stdout.writelines(f"{path}\n" for path in written)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
