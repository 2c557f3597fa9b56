"""What mutants share: commands of nft, what an earlier process knew, and work beside the agent."""

from __future__ import annotations

import subprocess
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from fixtures.cnis.reference.engine import __main__ as engine
from fixtures.cnis.reference.engine import rules

if TYPE_CHECKING:
    from collections.abc import Callable

RUN = engine.Agent.run
SAVED = Path("/run/netproof-mutant.objects")  # what an earlier process of the agent knew; kill.py has the same path
OPEN_ALL = f"add table inet {rules.TABLE}\ndelete table inet {rules.TABLE}\n"
DROP_ALL = f"""
add table inet {rules.TABLE}
delete table inet {rules.TABLE}
add table inet {rules.TABLE}
add chain inet {rules.TABLE} forward {{ type filter hook forward priority -10; policy drop; }}
"""


def nft(commands: str, *, may_fail: bool = False) -> None:
    """Run commands of nft."""
    subprocess.run(["nft", "-f", "-"], input=commands, text=True, check=not may_fail)


def write_again(agent: engine.Agent) -> None:
    """Let the agent write its rules, whether they have changed or not."""
    agent.applied = ""
    agent.changes.put(("pods", lambda: None))


def beside_the_agent(work: Callable[[engine.Agent], None]) -> None:
    """Let the agent run a function in a thread beside it."""

    def run(self: engine.Agent) -> None:
        threading.Thread(target=work, args=(self,), daemon=True).start()
        RUN(self)

    engine.Agent.run = run
