"""`nox -s sensitivity`: which mutants, each with a historical bug, the suites kill, and by which requirement."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from fixtures import lifeline, paths
from fixtures.errors import NetproofError, UsageError
from tests.sensitivity import catalogue
from tests.sensitivity.kill import MutantResult, mutate, run_mutant
from tests.support.open_lab import workspaces_in_lab

if TYPE_CHECKING:
    from tests.sensitivity.catalogue import Mutant

MUTABLE = paths.ROOT / "tests" / "sensitivity" / "mutable"
CNI = f"flannel:vxlan+{MUTABLE}"


def chosen(ids: str, tier: str, *, listed: bool = True) -> list[Mutant]:
    """The mutants to run: all that are implemented, or those with some ids, of one tier.

    Args:
        ids: ids separated by commas; "" for all.
        tier: the tier; "" for all.
        listed: those of mutants.yaml, otherwise those on no list.

    Raises:
        UsageError: an id is not that of an implemented mutant.
    """
    mutants = catalogue.load() if listed else catalogue.unlisted()
    implemented = {mutant.id: mutant for mutant in mutants if mutant.requirements}
    names = [name for name in ids.split(",") if name] or list(implemented)
    if unknown := [name for name in names if name not in implemented]:
        raise UsageError(f"--mutants: {unknown[0]} is not implemented; see tests/sensitivity/mutants.yaml.")
    return [implemented[name] for name in names if not tier or implemented[name].tier == tier]


def run(mutants: list[Mutant], out: Path) -> list[MutantResult]:
    """Run mutants: those of IPv4 in a lab with IPv4 alone, the others in a lab with both families."""
    results = []
    for ip, family in (("ipv4", "ipv4"), ("dual", "ipv6")):
        if of_family := [mutant for mutant in mutants if mutant.family == family]:
            results += run_in_lab(ip, of_family, out / ip)
    return results


def run_in_lab(ip: str, mutants: list[Mutant], out: Path) -> list[MutantResult]:
    """Run mutants in a new lab, and print a line for each; `ip` is the lab's option --ip, `out` its folder."""
    out.mkdir(parents=True)
    with workspaces_in_lab(out, cni=CNI, ip=ip) as pool:
        results = []
        for number, mutant in enumerate(mutants, 1):
            result = run_mutant(pool, mutant)
            results.append(result)
            sys.stderr.write(f"[{number}/{len(mutants)}] {mutant.id}  {_status(result)}\n")
        mutate(pool, "")
        return results


def _status(result: MutantResult) -> str:
    if result.error:
        return f"INVALID: {result.error}"
    return f"{result.seconds:5.1f} s  {result.killed_by}" if result.killed_by else "SURVIVED"


def show(results: list[MutantResult], seconds: float) -> None:
    """Print the table of results, and how many mutants were killed as expected in this many seconds."""
    table = Table("mutant", "tier", "killed by", "requirement", "seconds", "wrong flows", box=None)
    for result in results:
        table.add_row(*_row(result))
    console = Console(highlight=False)
    console.print(table)
    killed = [result for result in results if result.killed_by and result.as_expected]
    longest = max((result.seconds for result in killed), default=0.0)
    console.print(
        f"{len(killed)} of {len(results)} mutants killed by a requirement that is expected to, in {seconds:.0f} s; "
        f"each of them within {longest:.0f} s."
    )
    if all(result.mutant.listed for result in results):
        mutants = catalogue.load()
        missing = sum(not mutant.requirements for mutant in mutants)
        console.print(f"{missing} of {len(mutants)} are not implemented (reasons in mutants.yaml).")


def _row(result: MutantResult) -> tuple[str, ...]:
    mutant = result.mutant
    by = "[red]invalid[/]" if result.error else result.killed_by or "[red]survived[/]"
    expected = ", ".join(name for name in result.requirements if name in mutant.requirements)
    requirement = expected or f"[red]{', '.join(result.requirements)}: unrelated[/]"
    return mutant.id, mutant.tier, by, requirement, f"{result.seconds:.1f}", str(result.wrong_flows)


def as_json(result: MutantResult) -> dict[str, Any]:
    """A row of kills.json."""
    return {
        "mutant": result.mutant.id,
        "tier": result.mutant.tier,
        "by": result.killed_by,
        "requirements": result.requirements,
        "seconds": round(result.seconds, 2),
        "wrong": result.wrong_flows,
        "related": result.as_expected,
    }


def parse() -> argparse.Namespace:
    """Parse the options."""
    parser = argparse.ArgumentParser("nox -s sensitivity --", description=__doc__)
    parser.add_argument("--mutants", default="", help="M002,M014,… (all that are implemented)")
    parser.add_argument("--unlisted", action="store_true", help="mutants on no list, by generated states alone")
    parser.add_argument("--tier", default="", help="only static, fixture, generated, sequences, timing or chaos")
    parser.add_argument("--out", type=Path, required=True)
    return parser.parse_args()


def main() -> int:
    """Run mutants and show the results; exit code 1 if one is invalid, survived, or was killed by others only."""
    lifeline.die_with_starter()
    options = parse()
    try:
        if options.out.exists():
            raise UsageError(f"--out {options.out} exists already; choose another folder, or remove it.")
        mutants = chosen(options.mutants, options.tier, listed=not options.unlisted)
        begun = time.monotonic()
        results = run(mutants, options.out)
    except NetproofError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    show(results, time.monotonic() - begun)
    options.out.mkdir(parents=True, exist_ok=True)
    rows = [as_json(result) for result in results]
    (options.out / "kills.json").write_text(json.dumps(rows, indent=1) + "\n")
    return 0 if all(result.as_expected for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
