"""`nox -s bench -- --beside-kind [OPTIONS]`: compare whole runs on the lab with whole runs on kind.

Options are those of `certify`; an option of one provider is passed to runs on that provider only.
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

IMAGES = ("--image", "lab")  # on the lab its value has another meaning, so it is for kind only
ROUNDS = 3  # per provider, alternating; the fastest counts, since other load only makes a round slower
PROBES = ("start probe pods", "wait for probe servers")  # the last steps of both providers


def certify(provider: str, options: list[str], out: Path) -> dict[str, Any]:
    """Run the suites on a provider; returns the content of verdict.json.

    Raises:
        SystemExit: the cluster did not come up; the message has the end of the output.
    """
    command = [sys.executable, "-m", "pytest", "-q", *SUITES, "--cluster", provider, "--no-page", "--out", str(out)]
    done = subprocess.run(
        [*command, *options],
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
    """Return the seconds of each phase of a run from the content of its verdict.json."""
    steps = document["cluster"]["steps"]
    ready = document["cluster"]["ready_seconds"]
    plugin = steps[f"wait for {document['cni']}"]
    probes = sum(steps[name] for name in PROBES)
    return {
        "nodes and API": ready - plugin - probes,
        "plugin": plugin,
        "probe pods": probes,
        "cluster ready": ready,
        "suites": document["seconds"] - ready,
        "until the verdict": document["seconds"],
    }


def options_for(provider: str, arguments: list[str]) -> list[str]:
    """Select the arguments of a command line that a provider accepts, options with their values."""
    known = {option.flag for option in registry.options()}
    own = {option.flag for option in registry.find(provider).options()}
    kept: list[str] = []
    accepted = True
    for argument in arguments:
        name = argument.split("=")[0]
        if argument.startswith("-"):  # an option that belongs to no provider is for all of them
            accepted = name not in known or (name in own and (name, provider) != IMAGES)
        if accepted:
            kept.append(argument)
    return kept


def main(arguments: list[str]) -> int:
    """Run both providers alternately and print the fastest run of each."""
    lifeline.die_with_starter()
    runs_of: dict[str, list[dict[str, Any]]] = {"lab": [], "kind": []}
    with tempfile.TemporaryDirectory(prefix="netproof-bench-") as folder:
        for number in range(ROUNDS):
            for provider, runs in runs_of.items():
                options = options_for(provider, arguments)
                runs.append(certify(provider, options, Path(folder) / f"{provider}{number}"))
    lab, kind = (min(map(phases, runs), key=lambda row: row["until the verdict"]) for runs in runs_of.values())
    table = Table("phase", "lab", "kind", "kind to lab", box=None, title=f"the fastest of {ROUNDS}")
    for name, seconds in lab.items():
        table.add_row(name, f"{seconds:.1f} s", f"{kind[name]:.1f} s", f"{kind[name] / seconds:.1f}")
    Console().print(table)
    verdicts = {provider: {run["verdict"] for run in runs} for provider, runs in runs_of.items()}
    Console().print(f"verdicts: {verdicts}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
