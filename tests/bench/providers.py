"""`nox -s bench -- --beside-kind [OPTIONS]`: the lab and kind side by side, from nothing to a verdict.

Options are those of `certify`: what only kind takes is given to kind alone.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from fixtures import lifeline, paths
from fixtures.providers import registry
from tests.support.open_lab import SUITES

IMAGES = ("--image", "lab")  # what it says there means nothing to kind, and the other way round
ROUNDS = 3  # of each, in turn; the fastest counts, since the machine only ever makes a round slower


def certify(provider: str, given: list[str], out: Path) -> dict[str, Any]:
    """The verdict of one run.

    Raises:
        SystemExit: there is none; its last words say why.
    """
    command = [sys.executable, "-m", "pytest", "-q", *SUITES, "--cluster", provider, "--no-page", "--out", str(out)]
    done = subprocess.run(
        [*command, *given],
        cwd=paths.ROOT,
        env=os.environ | {"NETPROOF_DIE_WITH": str(os.getpid())},
        capture_output=True,
        text=True,
        check=False,
    )
    path = out / "verdict.json"
    document = json.loads(path.read_text()) if path.exists() else {"cluster": {}}
    if "steps" not in document["cluster"]:
        sys.exit(f"netproof: {provider} did not come up:\n{(done.stdout + done.stderr)[-2000:]}")
    return dict(document)


def phases(document: dict[str, Any]) -> dict[str, float]:
    """Seconds of a run: API and nodes, plugin, probe pods, suites."""
    steps = document["cluster"]["steps"]
    names = list(steps)
    installed = next(place for place, name in enumerate(names) if name.startswith("install "))
    ready = document["cluster"]["ready_seconds"]
    probes = sum(steps[name] for name in names[installed + 1 :])
    return {
        "nodes and API": ready - steps[names[installed]] - probes,
        "plugin": steps[names[installed]],
        "probe pods": probes,
        "cluster ready": ready,
        "suites": document["seconds"] - ready,
        "until the verdict": document["seconds"],
    }


def taken(given: list[str], provider: str) -> list[str]:
    """The words of these that a provider takes, options with what belongs to them."""
    known = {one.flag for one in registry.options()}
    own = {one.flag for one in registry.find(provider).options()}
    kept: list[str] = []
    takes = True
    for word in given:
        name = word.split("=")[0]
        if word.startswith("-"):  # what no provider is particular about, all take
            takes = name not in known or (name in own and (name, provider) != IMAGES)
        if takes:
            kept.append(word)
    return kept


def main(given: list[str]) -> int:
    """Run both in turn and show the fastest of each."""
    lifeline.die_with_starter()
    seen: dict[str, list[dict[str, Any]]] = {"lab": [], "kind": []}
    with tempfile.TemporaryDirectory(prefix="netproof-bench-") as folder:
        for number in range(ROUNDS):
            for provider, runs in seen.items():
                runs.append(certify(provider, taken(given, provider), Path(folder) / f"{provider}{number}"))
    lab, kind = (min(map(phases, runs), key=lambda row: row["until the verdict"]) for runs in seen.values())
    table = Table("phase", "lab", "kind", "kind to lab", box=None, title=f"the fastest of {ROUNDS}")
    for name, seconds in lab.items():
        table.add_row(name, f"{seconds:.1f} s", f"{kind[name]:.1f} s", f"{kind[name] / seconds:.1f}")
    Console().print(table)
    verdicts = {provider: {run["verdict"] for run in runs} for provider, runs in seen.items()}
    Console().print(f"verdicts: {verdicts}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
