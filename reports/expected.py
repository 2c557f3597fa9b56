"""What a run is expected to fail: known divergences, and what failed in a baseline; the options, and their effects."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from policies.datafile import BadFileError
from reports import baseline, known
from reports.outcome import Verdict
from reports.verdict_file import BadVerdictError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from reports.ledger import Ledger


@dataclass(frozen=True)
class Expectation:
    """What a run is expected to fail.

    Attributes:
        known: the known divergences of the plugin.
        baseline: the verdict.json of the baseline; None without one.
        path: the file of the baseline.
        selected: ids of --only; () for all.
    """

    known: tuple[known.Row, ...] = ()
    baseline: Mapping[str, Any] | None = None
    path: str = ""
    selected: frozenset[str] = frozenset()

    def facts(self, ledger: Ledger, facts: Mapping[str, Any], started: str) -> dict[str, Any]:
        """Return what the run found out about known divergences, for verdict.json; {} if nothing.

        Args:
            ledger: the records of the run.
            facts: facts of the run: programs and cluster.
            started: when the run started, UTC in ISO 8601.
        """
        verdicts = {row["id"]: Verdict(row["verdict"]) for row in ledger.requirements()} if self.known else {}
        findings = known.judge(self.known, verdicts, known.Subject.of(facts, started))
        return {known.FACT: known.as_json(findings)} if findings else {}

    def against(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """Return the comparison with the baseline and the exit code of the run; {} without a baseline.

        Args:
            document: the content of verdict.json so far.
        """
        if self.baseline is None:
            return {}
        result = baseline.compare(self.path, self.baseline, document, self.selected)
        return {baseline.FACT: result.fact(), "exit_code": result.exit_code}


NONE = Expectation()


def add_options(group: pytest.OptionGroup) -> None:
    """Add the options --known and --against."""
    group.addoption("--known", metavar="FILE", help="known divergences, in addition to the plugin's known.yaml")
    group.addoption("--against", metavar="FILE", help="a verdict.json: fail only for what is worse than in that run")


def of(config: pytest.Config, requirements: Collection[str], selected: Collection[str]) -> Expectation:
    """Read the files that state what the run is expected to fail, before anything is changed.

    Args:
        config: the configuration of the run.
        requirements: the ids that exist.
        selected: ids of --only; none for all.

    Raises:
        pytest.UsageError: a file of known divergences is wrong.
        pytest.exit.Exception: the baseline cannot be used; with exit code 2.
    """
    owners = [known.Owner(*row) for row in config.hook.pytest_netproof_owners(config=config) or ()]
    given, against = config.getoption("--known"), config.getoption("--against")
    try:
        rows = known.load(owners, Path(given) if given else None, requirements)
        before = baseline.load(Path(against), config.hook.pytest_netproof_plugin(config=config)) if against else None
    except BadFileError as error:
        raise pytest.UsageError(str(error)) from error
    except BadVerdictError as error:
        pytest.exit(f"--against: {error}", returncode=baseline.BAD_BASELINE)
    return Expectation(rows, before, against or "", frozenset(selected))
