"""The arguments of `nox -s watch`, checked before anything starts."""

from __future__ import annotations

import argparse
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Sequence

DURATION = re.compile(r"(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,6})s)?", re.ASCII)
ABOUT = "Certify again and again, and serve the newest metrics over HTTP, until SIGINT or SIGTERM."
FOLDER = Path(__file__).parents[1] / "out" / "watch"
HIGHEST_PORT = 65535


class RefusedError(Exception):
    """An argument is wrong; the message names it, and nothing was started."""

    exit_code = 4  # wrong use, as of every command of netproof


@dataclass(frozen=True)
class Arguments:
    """What to run, how often, and where to serve the metrics.

    Attributes:
        every: seconds from the beginning of a run to the beginning of the next one.
        port: the TCP port of the metrics; 0 for any free one.
        address: the address that it is opened on.
        keep: number of newest run folders that are kept.
        out: the folder of the run folders.
        command: arguments of Python that certify once, without --out.
    """

    every: float
    port: int
    address: str
    keep: int
    out: Path
    command: tuple[str, ...]


class Parser(argparse.ArgumentParser):
    """A parser that raises RefusedError instead of exiting."""

    def error(self, message: str) -> NoReturn:
        """Report wrong arguments.

        Raises:
            RefusedError: always.
        """
        raise RefusedError(f"{message}; {self.prog} --help lists the arguments.")


def parse(texts: Sequence[str]) -> Arguments:
    """Return the arguments of a watch.

    Args:
        texts: options of the watch and of certify in any order; after the last "--", arguments of Python that start
            certify.

    Raises:
        RefusedError: an option of the watch is wrong.
    """
    at = len(texts) - 1 - texts[::-1].index("--") if "--" in texts else len(texts)
    options, certify = _parser().parse_known_args(texts[:at])
    if "--list" in certify:
        raise RefusedError("--list runs nothing; `nox -s certify -- --list` prints the list.")
    # Allure's page takes Node and ten seconds; report.html has the same results.
    command = (*texts[at + 1 :], *certify, "--no-page")
    return Arguments(options.every, options.port, options.address, options.keep, options.out.absolute(), command)


def _parser() -> Parser:
    parser = Parser("nox -s watch --", description=ABOUT, allow_abbrev=False, epilog="Other options go to certify.")
    add = parser.add_argument
    add(
        "--every",
        type=_duration,
        required=True,
        metavar="TIME",
        help="from one beginning to the next: 90s, 10m, 1h30m",
    )
    add("--port", type=_port, default=9464, metavar="N", help="of the metrics (9464)")
    add("--address", default="127.0.0.1", metavar="IP", help="of the metrics (127.0.0.1; 0.0.0.0 for every one)")
    add("--keep", type=_count, default=20, metavar="N", help="newest run folders that are kept (20)")
    add("--out", type=Path, default=FOLDER, metavar="DIR", help="folder of the run folders (reports/out/watch)")
    return parser


def _duration(text: str) -> float:
    """Return the seconds of a duration like 1h30m.

    Raises:
        argparse.ArgumentTypeError: it is none, or 0.
    """
    found = DURATION.fullmatch(text)
    hours, minutes, seconds = (int(number or 0) for number in found.groups()) if found else (0, 0, 0)
    total = 3600 * hours + 60 * minutes + seconds
    if not total:
        raise argparse.ArgumentTypeError(f"{text!r} is no duration of at least a second, such as 90s, 10m or 1h30m")
    return float(total)


def _port(text: str) -> int:
    """Return a TCP port.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    if not text.isdecimal() or int(text) > HIGHEST_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is no port; there are 0 (any free one) to {HIGHEST_PORT}")
    return int(text)


def _count(text: str) -> int:
    """Return a positive number.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of at least 1")
    return int(text)
