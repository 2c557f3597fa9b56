"""Run the engine with the mutant that a file names, and begin anew when the file names another."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import threading
import time
import traceback
from pathlib import Path

from fixtures.cnis.reference.engine import __main__ as engine
from tests.sensitivity.mutants.recreated import TALKED
from tests.sensitivity.mutants.registry import MUTANTS

WANTED = Path("/run/netproof-mutant")
ACTIVE = Path("/run/netproof-mutant.active")
BROKEN = Path("/run/netproof-mutant.broken")
LOOK = 0.05  # seconds between looks at the file
MODULES = (
    "selectors",
    "peers",
    "blocks",
    "ports",
    "isolation",
    "packets",
    "events",
    "lifecycle",
    "recreated",
    "odd_packets",
    "hosts",
)


def wanted() -> str:
    """What is asked for: a mutant, or none, and a word that tells one wish from the next."""
    return WANTED.read_text().strip() if WANTED.exists() else ""


def note(why: str) -> None:
    """Leave word that the mutant is broken rather than wrong."""
    with BROKEN.open("a") as file:
        file.write(why)


def begin_anew(wish: str) -> None:
    """Replace this process when something else is asked for."""
    while wanted() == wish:
        time.sleep(LOOK)
    os.execv(sys.executable, [sys.executable, "-S", "-B", "-m", "tests.sensitivity.mutants"])


def main() -> None:
    """Change the engine and run it; what a mutant before kept beside the engine's table goes."""
    wish = wanted()
    forget = f"add table inet {TALKED}\ndelete table inet {TALKED}\n"
    subprocess.run(["nft", "-f", "-"], input=forget, text=True, check=True)
    for module in MODULES:
        importlib.import_module(f"tests.sensitivity.mutants.{module}")
    if name := wish.rpartition(" ")[0]:
        MUTANTS[name]()
    enforce = engine.Agent.enforce

    def enforce_and_tell(self: engine.Agent, networks: list[str]) -> None:
        try:
            enforce(self, networks)
        except Exception:
            note(traceback.format_exc())
            raise
        ACTIVE.write_text(wish)

    engine.Agent.enforce = enforce_and_tell
    engine.Agent.refused = lambda _, why: note(f"nft refused the table: {why}")
    threading.excepthook = lambda raised: note(f"{raised.exc_type.__name__}: {raised.exc_value}")
    threading.Thread(target=begin_anew, args=(wish,), daemon=True).start()
    engine.main()


if __name__ == "__main__":
    main()
