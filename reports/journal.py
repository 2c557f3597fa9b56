"""The journal of a run: what it has found out so far, written as it happens, so that it survives a kill.

A line of JSON per event in the run's folder. Each has `event` and `at`, in seconds since the run started:

    started    {cni, cluster, started, arguments, seed, shuffle, requirements: [file, …]}
    facts      {facts}: of the run, once the cluster is up
    collected  {cases: {case: [requirement, …]}}
    begins     {case}
    record     {record}: of a case
    ended      {}: the run wrote its reports, or had none to write
"""

from __future__ import annotations

import fcntl
import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reports.record import Record

if TYPE_CHECKING:
    from pathlib import Path

NAME = "journal.jsonl"


class StillRunningError(Exception):
    """The run that writes a journal has not ended; the message names its folder."""


class Journal:
    """The journal of a run of this process, which has a lock on it until it ends, in whatever way.

    Args:
        folder: the run's folder.
    """

    def __init__(self, folder: Path) -> None:
        self.begun = time.monotonic()
        self.file = (folder / NAME).open("a", encoding="utf-8")
        fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def write(self, event: str, **values: Any) -> None:  # noqa: ANN401 - JSON
        """Add an event; it is with the kernel when this returns, which is enough unless the machine fails."""
        row = {"event": event, "at": round(time.monotonic() - self.begun, 3), **values}
        self.file.write(json.dumps(row) + "\n")
        self.file.flush()

    def close(self) -> None:
        """Release the lock."""
        self.file.close()


def add(folder: Path, event: str, **values: Any) -> None:  # noqa: ANN401 - JSON
    """Add an event to the journal of a run whose controller is another process."""
    with (folder / NAME).open("a", encoding="utf-8") as file:
        file.write(json.dumps({"event": event, **values}) + "\n")  # one write, so that no other line is in it


@dataclass
class Written:
    """What the journal of a run has.

    Attributes:
        started: the event `started`.
        facts: facts of the run; {} if its cluster was not up.
        cases: case → its requirements; None if it had not collected them.
        begun: cases that began, in order.
        records: those that have ended, and phases of others.
        ended: whether the run ended by itself.
        seconds: from its start to its last event.
    """

    started: dict[str, Any] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    cases: dict[str, list[str]] | None = None
    begun: list[str] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    ended: bool = False
    seconds: float = 0.0

    def add(self, row: dict[str, Any]) -> None:
        """Add an event."""
        self.seconds = max(self.seconds, row.get("at", 0.0))
        match row["event"]:
            case "started":
                self.started = row
            case "facts":
                self.facts = row["facts"]
            case "collected":
                self.cases = row["cases"]
            case "begins":
                self.begun.append(row["case"])
            case "record":
                self.records.append(Record.load(json.dumps(row["record"])))
            case "ended":
                self.ended = True


def read(folder: Path, *, patience: bool = False) -> Written | None:
    """Read the journal of a run that has ended or was killed; None if the folder has none.

    Args:
        folder: the run's folder.
        patience: whether to wait until the run has ended.

    Raises:
        StillRunningError: the run has not ended.
    """
    result = Written()
    try:
        file = (folder / NAME).open(encoding="utf-8", errors="replace")
    except OSError:
        return None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | (0 if patience else fcntl.LOCK_NB))
        except BlockingIOError:
            raise StillRunningError(f"The run in {folder} has not ended: it writes its reports at its end.") from None
        for line in file:
            if line.endswith("\n"):  # a kill may have cut the last one off
                result.add(json.loads(line))
    return result if result.started else None
