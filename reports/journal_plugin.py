"""The pytest plugin that writes the journal of a run, and starts the process that reports a run that is killed."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from reports import journal, survivor
from reports.journal import Journal
from reports.plugin import ACTIVE, record_of

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Generator

    from reports.run import Run

FIRST_WORKER = "gw0"  # of xdist; every worker collects the same cases


@dataclass
class Written:
    """What a run writes as it happens, in the process that writes its reports.

    Attributes:
        journal: its journal.
        process: the process that survives it.
        thread: the thread that reads the facts of the run.
    """

    journal: Journal
    process: subprocess.Popen[bytes]
    thread: threading.Thread | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def write(self, event: str, **values: Any) -> None:  # noqa: ANN401 - JSON
        """Add an event to the journal."""
        with self.lock:
            self.journal.write(event, **values)


KEY = pytest.StashKey[Written]()
WRITTEN: Written | None = None


@pytest.hookimpl(wrapper=True, trylast=True)  # innermost: the run's folder exists, and no cluster yet
def pytest_sessionstart(session: pytest.Session) -> Generator[None, None, None]:
    """Begin the journal before the cluster comes up, and add the facts of the run when it is up."""
    global WRITTEN  # noqa: PLW0603 - pytest_runtest_logreport is given no config
    config = session.config
    run = config.stash.get(ACTIVE, None)
    WRITTEN = None
    if run is None or config.option.collectonly or config.getoption("dry_run", default=False):
        return (yield)
    WRITTEN = written = config.stash[KEY] = Written(Journal(run.out), survivor.start(run.out))
    written.write("started", **_start(config, run))
    result = yield
    # In parallel to the first cases: the digests of programs take about a second.
    written.thread = threading.Thread(target=_write_facts, args=(config, written))
    written.thread.start()
    return result


def _start(config: pytest.Config, run: Run) -> dict[str, Any]:
    return {
        "cni": str(config.hook.pytest_netproof_plugin(config=config)),
        "cluster": str(config.getoption("cluster", default=None) or "lab"),  # --attach takes labs only
        "started": run.started,
        "arguments": [str(argument) for argument in run.arguments],
        "seed": config.option.seed,
        "shuffle": run.shuffle,
        "requirements": [str(path) for path in config.hook.pytest_netproof_requirements(config=config) or ()],
    }


def _write_facts(config: pytest.Config, written: Written) -> None:
    with contextlib.suppress(Exception):  # the end of the run reads them again, and reports what is wrong
        if facts := config.hook.pytest_netproof_facts(config=config):
            written.write("facts", facts=facts)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Add the cases; with xdist a worker has them."""
    config = session.config
    cases = {
        item.nodeid: [i for mark in item.iter_markers("requirement") for i in mark.args] for item in session.items
    }
    if KEY in config.stash:
        if cases:  # none on the controller of xdist
            config.stash[KEY].write("collected", cases=cases)
    elif getattr(config, "workerinput", {}).get("workerid") == FIRST_WORKER and config.option.out:
        folder = Path(config.option.out)
        if (folder / journal.NAME).exists():
            journal.add(folder, "collected", cases=cases)


def pytest_runtest_logstart(nodeid: str) -> None:
    """Add that a case begins."""
    if WRITTEN:
        WRITTEN.write("begins", case=nodeid)


@pytest.hookimpl(trylast=True)
def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Add the record of a case."""
    if WRITTEN and (record := record_of(report)):
        WRITTEN.write("record", record=vars(record))


@pytest.hookimpl(wrapper=True, tryfirst=True)  # the facts are read once: the end of the run waits for them
def pytest_sessionfinish(session: pytest.Session) -> Generator[None, None, None]:
    """Wait until the facts are written."""
    written = session.config.stash.get(KEY, None)
    if written and written.thread:
        written.thread.join()
    return (yield)


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the journal: the run has written its reports, or has none to write."""
    global WRITTEN  # noqa: PLW0603 - see above
    if written := config.stash.get(KEY, None):
        WRITTEN = None
        if written.thread:
            written.thread.join()
        written.write("ended")
        written.journal.close()
        survivor.stop(written.process)
