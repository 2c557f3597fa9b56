"""The reports of a run that was killed, from its journal: they state that it was, and how far it came.

Usage: `python -m reports.unfinished RUN-FOLDER…`, which is `nox -s report`. If a run has ended, it writes report.html
and the files for other programs again, from verdict.json.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from policies import requirements
from reports import journal, outcome, replay, stored, verdict
from reports.allure_results import results
from reports.exports import files as exports
from reports.ledger import Ledger
from reports.outcome import Verdict
from reports.report import page

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reports.journal import Written

FACT = "unfinished"
USAGE = 4  # exit code


def document(written: Written) -> dict[str, Any]:
    """Return the content of verdict.json for a run that was killed; its verdict is an error, never passed.

    Args:
        written: its journal.
    """
    started = written.started
    ledger = Ledger(written.records, requirements.load(tuple(Path(file) for file in started["requirements"])))
    facts = written.facts or {"cni": started["cni"], "cluster": {"provider": started["cluster"]}, "programs": []}
    result = verdict.build(ledger, facts, started=started["started"], seconds=written.seconds, seed=started["seed"])
    shuffle = started["shuffle"]
    run = replay.Run(started["arguments"], started["seed"], shuffle)
    error = {"verdict": Verdict.ERROR, "exit_code": outcome.EXIT_CODES[Verdict.ERROR], "partial": True}
    again = {"again": replay.both(run, ""), **replay.scope(run)}
    shuffled = {} if shuffle is None else {"shuffle": shuffle}
    return result | error | again | shuffled | {FACT: progress(written, facts["cni"])}


def progress(written: Written, cni: str) -> dict[str, Any]:
    """Return how far a run came, as verdict.json has it: cases, requirements whose cases have all ended, the rest."""
    ended = {record.case for record in written.records}
    cases = written.cases
    every: set[str] = set()
    open_ones: set[str] = set()
    for case, ids in (cases or {}).items():
        every |= {*ids}
        open_ones |= set() if case in ended else {*ids}
    of_cases, of_all = (None, None) if cases is None else (len(cases), len(every))
    counts = {
        "cases": {"ended": len(ended), "of": of_cases},
        "requirements": {"ended": len(every - open_ones), "of": of_all},
    }
    how_far = (
        "before its first case"
        if of_cases is None
        else (
            f"after {len(ended)} of {of_cases} cases; {len(every - open_ones)} of {of_all} requirements were checked"
        )
    )
    reason = f"The run of {cni} did not finish: it was killed {how_far}."
    return {"reason": reason, **counts, "running": [case for case in written.begun if case not in ended]}


def write(folder: Path, written: Written) -> dict[str, Any]:
    """Write the reports of a run that was killed; returns the content of verdict.json."""
    content = document(written)
    verdict.write(folder / stored.NAME, content)
    page.write(folder)
    exports.write(folder)
    if (allure := folder / "allure-results").is_dir():
        known = requirements.load(tuple(Path(file) for file in written.started["requirements"]))
        results.complete_or_reason(allure, content, {identity: row.catches for identity, row in known.items()})
    stored.point_latest(folder)
    return content


def write_again(folder: Path) -> str:
    """Write what can be written from a folder: the reports of a killed run, or those of one that ended, again.

    Returns:
        Lines for the terminal.

    Raises:
        stored.NoVerdictError: the folder has neither verdict.json nor a journal.
        journal.StillRunningError: the run has not ended.
    """
    if stored.of(folder).exists():
        lines = [f"report: {page.write(folder)}"]
        exports.write(folder)
    elif written := journal.read(folder):
        lines = [write(folder, written)[FACT]["reason"], f"report: {folder / page.NAME}"]
    else:
        stored.read(folder)
        lines = []
    return "".join(f"{line}\n" for line in lines)


def main(folders: Sequence[str]) -> int:
    """Write the reports of each folder; returns the exit code."""
    if not folders:
        sys.stderr.write(__doc__ or "")
        return USAGE
    for folder in folders:
        try:
            sys.stdout.write(write_again(Path(folder)))
        except (stored.NoVerdictError, journal.StillRunningError) as error:
            sys.stderr.write(f"{error}\n")
            return USAGE
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
