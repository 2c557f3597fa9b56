"""Run the suites as they are written and then in orders drawn from seeds: no order may change a verdict.

`nox -s shuffle` starts it.  Every run has the same --seed, so that only the order differs.
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
ERROR = 3  # exit code of a run that gave no verdict
PYTEST = ("-m", "pytest", "-q", "--no-header", "--tb=no", "-p", "no:cacheprovider", "--no-page")


class SilentRunError(Exception):
    """A run ended without a verdict; the message says how.

    Attributes:
        code: its exit code.
    """

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


def arguments(given: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    """Our options, and what pytest is given."""
    parser = argparse.ArgumentParser("nox -s shuffle --", description=__doc__, allow_abbrev=False)
    parser.add_argument("--runs", type=int, default=3, help="shuffled runs (3)")
    parser.add_argument("--shuffle", type=int, metavar="SEED", help="of the first order, the next one's is one more")
    parser.add_argument("--seed", type=int, help="of everything else that is random, in every run")
    parser.add_argument("--out", metavar="DIR", help="the folder of all runs")
    return parser.parse_known_args(given)


def run(out: Path, given: Sequence[str]) -> runs.Run:
    """Run the suites with these options.

    Raises:
        SilentRunError: it wrote no verdict.
    """
    command = [sys.executable, *PYTEST, "--out", str(out), *given]
    done = subprocess.run(command, env=os.environ | {"NETPROOF_DIE_WITH": str(os.getpid())}, check=False)
    path = out / "verdict.json"
    if not path.exists():
        code = done.returncode
        raise SilentRunError(f"{out.name} ended with exit code {code} and without a verdict.", code)
    return runs.load(path)


def different(written: runs.Run, shuffled: dict[int, runs.Run]) -> list[str]:
    """What every order changed, each line with the order's seed."""
    return [f"--shuffle {seed}: {line}" for seed, one in shuffled.items() for line in runs.differing(written, one)]


def main(words: Sequence[str]) -> int:
    """Run, compare, and say what differs."""
    options, given = arguments(words)
    draw = random.SystemRandom()
    seed = draw.randrange(2**31) if options.seed is None else options.seed
    first = draw.randrange(2**31) if options.shuffle is None else options.shuffle
    out = Path(options.out or OUT / f"{datetime.datetime.now(datetime.UTC):%Y%m%dT%H%M%S}Z-shuffle").absolute()
    given += ["--seed", str(seed)]
    try:
        written = run(out / "as-written", given)
        shuffled = {
            each: run(out / f"shuffle-{each}", [*given, "--shuffle", str(each)])
            for each in range(first, first + options.runs)
        }
    except SilentRunError as error:
        sys.stderr.write(f"{error}\n")
        return error.code or ERROR
    lines = different(written, shuffled)
    sys.stdout.write("".join(f"differs: {line}\n" for line in lines))
    orders = ", ".join(f"--shuffle {each}" for each in shuffled)
    sys.stdout.write(f"{len(lines)} cases came to something else than as written (--seed {seed}, {orders}).\n")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
