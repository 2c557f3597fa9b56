"""Run the engine with the mutant that a file requests, and restart it when the request changes."""

from __future__ import annotations

import importlib
import os
import sys
import threading
import time
import traceback
from pathlib import Path

from fixtures.cnis.reference.engine import __main__ as engine
from fixtures.cnis.reference.engine import rules
from tests.sensitivity.mutants.recreated import ESTABLISHED
from tests.sensitivity.mutants.registry import MUTANTS
from tests.sensitivity.mutants.shared import nft
from tests.support.unlisted import UNLISTED

# Files of the node; tests/sensitivity/kill.py has the same paths.
REQUESTED = Path("/run/netproof-mutant")  # the requested mutant, and a token that makes each request unique
ACTIVE = Path("/run/netproof-mutant.active")  # the request that the engine has applied
ERRORS = Path("/run/netproof-mutant.broken")  # errors of the engine
POLL = 0.05  # seconds between two reads of the request
MODULES = (
    "selectors",
    "peers",
    "blocks",
    "ports",
    "isolation",
    "packets",
    "events",
    "edits",
    "lifecycle",
    "recreated",
    "odd_packets",
    "hosts",
    "restarts",
    "outages",
    "new_pods",
    "order",
    "forged",
)


def requested() -> str:
    """The request: id of a mutant or nothing, a space, and a token; "" without the file."""
    return REQUESTED.read_text().strip() if REQUESTED.exists() else ""


def record_error(error: str) -> None:
    """Record that the engine does not work with the mutant, which is not the bug that the mutant reproduces."""
    with ERRORS.open("a") as file:
        file.write(error)


def restart_on_change(request: str) -> None:
    """Wait until the request is another one, and replace this process."""
    while requested() == request:
        time.sleep(POLL)
    os.execv(sys.executable, [sys.executable, "-S", "-B", "-m", "tests.sensitivity.mutants"])


def main() -> None:
    """Change the engine and run it, without the tables that an earlier mutant may have left."""
    request = requested()
    left = (ESTABLISHED, "unknown_replies", f"{rules.TABLE}_older")
    delete = "".join(f"add table inet {table}\ndelete table inet {table}\n" for table in left)
    nft(delete)
    for module in MODULES:
        importlib.import_module(f"tests.sensitivity.mutants.{module}")
    if name := request.rpartition(" ")[0]:
        (MUTANTS | UNLISTED)[name]()
    enforce = engine.Agent.enforce

    def enforce_and_record(self: engine.Agent, networks: list[str]) -> None:
        try:
            enforce(self, networks)
        except Exception:
            record_error(traceback.format_exc())
            raise
        ACTIVE.write_text(request)

    engine.Agent.enforce = enforce_and_record
    engine.Agent.refused = lambda _, why: record_error(f"nft refused the table: {why}")
    threading.excepthook = lambda raised: record_error(f"{raised.exc_type.__name__}: {raised.exc_value}")
    threading.Thread(target=restart_on_change, args=(request,), daemon=True).start()
    engine.main()


if __name__ == "__main__":
    main()
