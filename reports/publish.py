"""Keep runs with the project: their verdict.json, compressed, and the table of all published runs.

Usage: `python -m reports.publish [RUN…]`, which is `nox -s publish`. RUN is the folder of a run; its name is the name
under which the run is published. Without RUN the table is written again. A published run is never replaced.
"""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reports import stored, verdict, verdict_file
from reports.outcome import DECIDED, Verdict
from reports.report import certified
from reports.verdict_file import BadVerdictError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

HOME = Path(__file__).with_name("published")
USAGE = 4  # exit code
BEGIN, END = "<!-- runs: begin -->\n", "<!-- runs: end -->\n"  # of the table in README.md
COLUMNS = ("run", "programs under test", "cluster", "day", "MUST that hold", "what fails", "again")
LEVEL = {"SHOULD": " (SHOULD)", "MAY": " (MAY)"}  # MUST is not written
PATH = re.compile(r"(?<![\w.:/])/(?:home|root|tmp|var/tmp|Users|work)/[^\s\"',;]+")  # of a file of this machine


class RefusedError(Exception):
    """A run cannot be published; the message names it and says why."""


def publish(run: Path, home: Path = HOME) -> Path:
    """Publish a run; returns its file.

    Args:
        run: the folder of the run.
        home: the folder of what is published.

    Raises:
        RefusedError: its verdict.json cannot be used, it is not whole, or its name is taken.
    """
    try:
        document = verdict_file.read(run)
    except BadVerdictError as error:
        raise RefusedError(str(error)) from error
    if document.get("partial") or "narrowed_by" in document or "again" not in document:
        raise RefusedError(f"{run} is not a whole run of a session; only whole runs are published.")
    if document["verdict"] == Verdict.ERROR:
        raise RefusedError(f"{run} ended with an error of netproof or of the machine; it says nothing about a plugin.")
    target = home / "runs" / run.resolve().name / stored.PACKED
    if target.exists():
        raise RefusedError(
            f"{target.parent.name} is published already, and stays as it is; give the folder another name."
        )
    text = without_paths(document)
    if found := PATH.search(text):
        raise RefusedError(f"{run} names a file of this machine: {found[0]}; nobody could repeat it.")
    target.parent.mkdir(parents=True)
    target.write_bytes(stored.pack(text))
    return target


def without_paths(document: Mapping[str, Any]) -> str:
    """Return the text of a verdict.json in which files that options named are in the current folder, as ./NAME."""
    text = verdict.text(dict(document))
    paths = {part.rpartition("=")[2] for part in shlex.split(document["again"]["run"])}
    for path in sorted((path for path in paths if path.startswith("/")), key=len, reverse=True):
        text = text.replace(path, f"./{Path(path).name}")
    return text


def published(home: Path = HOME) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the name and the verdict.json of each published run, by name."""
    for file in sorted((home / "runs").glob(f"*/{stored.PACKED}")):
        yield file.parent.name, verdict_file.read(file)


def table(home: Path = HOME) -> str:
    """Return the table of the published runs, in Markdown."""
    head = f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}\n"
    return head + "".join(row(name, document) for name, document in published(home))


def row(name: str, document: Mapping[str, Any]) -> str:
    """Return a run's row of the table."""
    must = [each for each in document["requirements"] if each["level"] == "MUST" and each["verdict"] in DECIDED]
    failed = [each for each in document["requirements"] if each["verdict"] == Verdict.FAILED]
    programs = [f"{each.name} {each.version}" for each in certified.of(document).programs if each.is_tested]
    cluster = document["cluster"]
    cells = (
        f"[{name}](runs/{name})",
        ", ".join(programs) or "-",
        f"Kubernetes {cluster.get('kubernetes', '?')} in a {cluster['provider']}, kernel {cluster.get('kernel', '?')}",
        document["started"][:10],
        f"{sum(each['verdict'] == Verdict.PASSED for each in must)} of {len(must)}",
        ", ".join(each["id"] + LEVEL.get(each["level"], "") for each in failed) or "-",
        f"`{document['again']['run']}`",
    )
    return f"| {' | '.join(cells)} |\n"


def with_table(readme: str, rows: str) -> str:
    """Return the text of the README with another table of runs."""
    before, _, rest = readme.partition(BEGIN)
    return f"{before}{BEGIN}{rows}{END}{rest.partition(END)[2]}"


def main(arguments: Sequence[str]) -> int:
    """Publish runs and write the table; returns the exit code."""
    if any(argument.startswith("-") for argument in arguments):
        sys.stderr.write(__doc__ or "")
        return USAGE
    try:
        for argument in arguments:
            sys.stdout.write(f"published: {publish(Path(argument))}\n")
    except RefusedError as error:
        sys.stderr.write(f"{error}\n")
        return USAGE
    readme = HOME / "README.md"
    stored.replace(readme, with_table(readme.read_text(encoding="utf-8"), table()))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
