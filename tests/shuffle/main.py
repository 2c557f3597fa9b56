"""`nox -s shuffle`: run the suites in the order of the files and in random orders; no order may change a verdict.

All runs have the same --seed, so that only the order of cases differs.
"""

from __future__ import annotations

import argparse
import datetime
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from fixtures import paths
from reports import runs

if TYPE_CHECKING:
    from collections.abc import Sequence

OUT = paths.ROOT / "reports" / "out"
INCONCLUSIVE = 2  # exit code if a verdict is unknown in one of two runs: on a busy machine, for example
ERROR = 3  # exit code if a run wrote no verdict but ended with 0
PYTEST = ("-m", "pytest", "-qq", "-rN", "--no-header", "--tb=no", "-p", "no:cacheprovider", "--no-page")


class NoVerdictError(Exception):
    """A run wrote no verdict.

    Attributes:
        code: the exit code of the run.
    """

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


def parse(arguments: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    """Split a command line into the options of this program and the arguments for pytest."""
    parser = argparse.ArgumentParser("nox -s shuffle --", description=__doc__, allow_abbrev=False)
    parser.add_argument("--runs", type=int, default=3, help="shuffled runs (3)")
    parser.add_argument(
        "--shuffle", type=int, metavar="SEED", help="seed of the first order; each further order uses the next number"
    )
    parser.add_argument("--seed", type=int, help="seed of everything else that is random, in all runs")
    parser.add_argument("--out", metavar="DIR", help="the folder of all runs")
    return parser.parse_known_args(arguments)


def run(out: Path, arguments: Sequence[str]) -> runs.Run:
    """Run pytest with these arguments; out is the folder of the run.

    Raises:
        NoVerdictError: the run wrote no verdict.
    """
    command = [sys.executable, *PYTEST, "--out", str(out), *arguments]
    done = subprocess.run(command, env=os.environ | {"NETPROOF_DIE_WITH": str(os.getpid())}, check=False)
    path = out / "verdict.json"
    if not path.exists():
        code = done.returncode
        raise NoVerdictError(f"{out.name} ended with exit code {code} and without a verdict.", code)
    return runs.load(path)


def differences(ordered: runs.Run, shuffled: dict[int, runs.Run]) -> list[tuple[int, runs.Difference]]:
    """The cases whose verdict differs from the ordered run, each with the seed of the order.

    Args:
        ordered: the run in the order of the files.
        shuffled: seed → run.
    """
    return [(seed, found) for seed, run_ in shuffled.items() for found in runs.differing(ordered, run_)]


def main(command_line: Sequence[str]) -> int:
    """Run the suites, compare the runs, and print the differences; 1 if verdicts contradict, 2 if some are unknown."""
    options, arguments = parse(command_line)
    draw = random.SystemRandom()
    seed = draw.randrange(2**31) if options.seed is None else options.seed
    first = draw.randrange(2**31) if options.shuffle is None else options.shuffle
    out = Path(options.out or OUT / f"{datetime.datetime.now(datetime.UTC):%Y%m%dT%H%M%S}Z-shuffle").absolute()
    arguments += ["--seed", str(seed)]
    try:
        ordered = run(out / "as-written", arguments)
        shuffled = {
            each: run(out / f"shuffle-{each}", [*arguments, "--shuffle", str(each)])
            for each in range(first, first + options.runs)
        }
    except NoVerdictError as error:
        sys.stderr.write(f"{error}\n")
        return error.code or ERROR
    found = differences(ordered, shuffled)
    sys.stdout.write("".join(f"differs: --shuffle {order}: {difference}\n" for order, difference in found))
    orders = ", ".join(f"--shuffle {each}" for each in shuffled)
    contradictions = sum(difference.contradicts for _, difference in found)
    sys.stdout.write(
        f"{contradictions} verdicts contradict those of the ordered run, {len(found) - contradictions} are "
        f"inconclusive in one of the two (--seed {seed}, {orders}).\n"
    )
    return 1 if contradictions else INCONCLUSIVE if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
