"""Compare runs: print what differs, write it as an HTML page, and fail if a run is worse than a baseline.

Usage: `python -m reports.compare [--against BASELINE] [--out FILE] RUN…`. RUN is the folder of a run, or its
verdict.json; several runs of one plugin, separated by commas, are compared as one. With `-` among the runs, standard
input lists the runs that wrote no verdict, one line `NAME: reason` for each.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from reports import baseline, columns, stored
from reports.comparison import page, sides, terminal
from reports.comparison.sides import Side
from reports.verdict_file import BadVerdictError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reports.comparison.page import Compared

WITHOUT_VERDICT = "-"  # among the runs: standard input has lines about runs without a verdict
BAD_INPUT = baseline.BAD_BASELINE


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Return the options of a command line; the process ends with exit code 2 if they are wrong."""
    parser = argparse.ArgumentParser("nox -s compare --", description=__doc__, allow_abbrev=False)
    parser.add_argument("runs", nargs="+", metavar="RUN", help="folder of a run, or runs separated by commas")
    parser.add_argument("--against", metavar="BASELINE", help="verdict.json that the only RUN must not be worse than")
    parser.add_argument("--out", metavar="FILE", help=f"the page (default: {page.NAME} beside the first run)")
    return parser.parse_args(arguments)


def compared(options: argparse.Namespace) -> Compared:
    """Read the runs and compare them.

    Raises:
        BadVerdictError: a file cannot be used.
    """
    without_verdict = sys.stdin.read().splitlines() if WITHOUT_VERDICT in options.runs else []
    found = [sides.load(run) for run in options.runs if run != WITHOUT_VERDICT]
    if options.against is None and len(found) == 1 and WITHOUT_VERDICT not in options.runs:
        raise BadVerdictError(f"{options.runs[0]} alone cannot be compared: give two runs, or --against a baseline.")
    if options.against is None:
        return page.compare(found, without_verdict)
    if len(found) != 1 or len(found[0].documents) != 1:
        raise BadVerdictError("--against compares one run with the baseline; give the folder of one run.")
    path, document = Path(options.against), found[0].documents[0]
    before = baseline.load(path, document["cni"])
    result = baseline.compare(options.against, before, document)
    return page.compare([Side(sides.name_of(path), (before,)), *found], without_verdict, result)


def target_of(options: argparse.Namespace) -> Path | None:
    """Return the path of the page: beside the folder of the first run, or in that of the run with a baseline."""
    if options.out:
        return Path(options.out)
    first = next((Path(run.split(sides.SEPARATOR)[0]) for run in options.runs if run != WITHOUT_VERDICT), None)
    if first is None:
        return None
    folder = first.parent if first.name in stored.NAMES else first
    return (folder if options.against else folder.absolute().parent) / page.NAME


def main(arguments: Sequence[str]) -> int:
    """Print the comparison and write the page; returns 0, the exit code against a baseline, or 2 for bad input."""
    options = parse(arguments)
    try:
        result = compared(options)
    except BadVerdictError as error:
        sys.stderr.write(f"{error}\n")
        return BAD_INPUT
    console = Console(highlight=False, width=columns.width())
    for part in terminal.parts(result, columns.width()):
        console.print(part, soft_wrap=not isinstance(part, Table), markup=False)
    if (target := target_of(options)) is not None:
        target.write_text(page.render(result), encoding="utf-8")
        console.print(f"page: {target}", soft_wrap=True, markup=False)
    return result.against.exit_code if result.against else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
