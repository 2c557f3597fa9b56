"""`nox -s sensitivity`: which historical bugs the suites find, and by which requirement."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from fixtures import lifeline, paths
from fixtures.errors import NetproofError, UsageError
from tests.sensitivity import catalogue
from tests.sensitivity.kill import Kill, hunt, mutate
from tests.support.open_lab import workspaces_in_lab

if TYPE_CHECKING:
    from tests.sensitivity.catalogue import Mutant

MUTABLE = paths.ROOT / "tests" / "sensitivity" / "mutable"
CNI = f"flannel:vxlan+{MUTABLE}"


def chosen(wanted: str, tier: str) -> list[Mutant]:
    """The built mutants that are asked for.

    Raises:
        UsageError: one is not there.
    """
    built = {mutant.id: mutant for mutant in catalogue.load() if mutant.requirements}
    names = [name for name in wanted.split(",") if name] or list(built)
    if unknown := [name for name in names if name not in built]:
        raise UsageError(f"--mutants: {unknown[0]} is not built; see tests/sensitivity/mutants.yaml.")
    return [built[name] for name in names if not tier or built[name].tier == tier]


def run(mutants: list[Mutant], out: Path) -> list[Kill]:
    """Hunt mutants: those of IPv4 in one lab, the others in one with both families."""
    kills = []
    for ip, family in (("ipv4", "ipv4"), ("dual", "ipv6")):
        if some := [mutant for mutant in mutants if mutant.family == family]:
            kills += run_in(ip, some, out / ip)
    return kills


def run_in(ip: str, mutants: list[Mutant], out: Path) -> list[Kill]:
    """Hunt mutants in a lab of its own."""
    out.mkdir(parents=True)
    with workspaces_in_lab(out, cni=CNI, ip=ip) as pool:
        kills = []
        for number, mutant in enumerate(mutants, 1):
            kill = hunt(pool, mutant)
            kills.append(kill)
            how = f"{kill.seconds:5.1f} s  {kill.by}" if kill.by else "SURVIVES"
            how = f"BROKEN: {kill.broken}" if kill.broken else how
            sys.stderr.write(f"[{number}/{len(mutants)}] {mutant.id}  {how}\n")
        mutate(pool, "")
        return kills


def show(kills: list[Kill], seconds: float) -> None:
    """Print the kill table and the sums."""
    table = Table("mutant", "tier", "found by", "requirement", "seconds", "wrong flows", box=None)
    for kill in kills:
        named = [name for name in kill.requirements if name in kill.mutant.requirements]
        by = "[red]broken[/]" if kill.broken else kill.by or "[red]survives[/]"
        requirement = ", ".join(named) or f"[red]{', '.join(kill.requirements)}: unrelated[/]"
        table.add_row(kill.mutant.id, kill.mutant.tier, by, requirement, f"{kill.seconds:.1f}", str(kill.wrong))
    console = Console(highlight=False)
    console.print(table)
    dead = [kill for kill in kills if kill.by and kill.related]
    every = catalogue.load()
    console.print(
        f"{len(dead)} of {len(kills)} mutants found by a requirement that is meant to, in {seconds:.0f} s; "
        f"{sum(not m.requirements for m in every)} of {len(every)} are not built (reasons in mutants.yaml)."
    )


def main() -> int:
    """Run, show, and fail where one survives or is found by something unrelated."""
    lifeline.die_with_starter()
    parser = argparse.ArgumentParser("nox -s sensitivity --", description=__doc__)
    parser.add_argument("--mutants", default="", help="M002,M014,… (all that are built)")
    parser.add_argument("--tier", default="", help="only static, fixture, generated or sequences")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    try:
        if given.out.exists():
            raise UsageError(f"--out {given.out} is there already; choose another folder, or remove that one.")
        wanted = chosen(given.mutants, given.tier)
        begun = time.monotonic()
        kills = run(wanted, given.out)
    except NetproofError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    show(kills, time.monotonic() - begun)
    rows = [
        {"mutant": k.mutant.id, "tier": k.mutant.tier, "by": k.by, "requirements": k.requirements,
         "seconds": round(k.seconds, 2), "wrong": k.wrong, "related": k.related}
        for k in kills
    ]  # fmt: skip
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / "kills.json").write_text(json.dumps(rows, indent=1) + "\n")
    return 0 if all(kill.related for kill in kills) else 1


if __name__ == "__main__":
    sys.exit(main())
