"""The state of a reported run, and the files that it writes at its end."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from reports import claims, expected, failing, outcome, page, replay, stored, verdict
from reports.allure_results import results
from reports.exports import files as exports
from reports.ledger import Ledger
from reports.outcome import Verdict
from reports.report import page as report_page

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from policies import requirements
    from reports.claims import Answer


class Run:
    """The state of a reported run, in the process that writes the reports.

    Attributes:
        out: the run's folder.
        started: when the run started, UTC in ISO 8601.
        shuffle: the seed of the order of cases; None without --shuffle.
        arguments: pytest's command line.
        expectation: known divergences, and the baseline.
        begun: when the run started, on the monotonic clock.
        ledger: the records so far.
        document: the content of verdict.json; {} until the run has ended.
        answers: answers to claims about the plugin.
        page: path of Allure's page, or the reason why it is missing.
        report: path of report.html, or the reason why it or another file is missing.
    """

    def __init__(
        self,
        out: Path,
        known: dict[str, requirements.Requirement],
        started: str,
        shuffle: int | None = None,
        arguments: Sequence[object] = (),
        expectation: expected.Expectation = expected.NONE,
    ) -> None:
        self.out = out
        self.started = started
        self.shuffle = shuffle
        self.arguments = arguments
        self.expectation = expectation
        self.begun = time.monotonic()
        self.ledger = Ledger(known=known)
        self.document: dict[str, Any] = {}
        self.answers: list[Answer] = []
        self.page = ""
        self.report = ""

    def finish(self, facts: dict[str, Any], seed: int, *, aborted: bool) -> None:
        """Write verdict.json, the files made from it, and claims.html, and point the link `latest` to the folder.

        Args:
            facts: facts of the run, as pytest_netproof_facts returns them, and its lateness.
            seed: the seed of everything random.
            aborted: whether the run ended early; its verdict is then an error.
        """
        seconds = time.monotonic() - self.begun
        facts |= self.expectation.facts(self.ledger, facts, self.started)
        self.document = verdict.build(self.ledger, facts, started=self.started, seconds=seconds, seed=seed)
        self.document |= {} if self.shuffle is None else {"shuffle": self.shuffle}
        if failure := facts.get("failure"):
            by_exit_code = {outcome.EXIT_CODES[each]: each for each in (Verdict.FAILED, Verdict.INCONCLUSIVE)}
            self.document |= {"verdict": by_exit_code.get(failure["exit_code"], Verdict.ERROR), **failure}
        elif aborted:
            self.document |= {
                "verdict": Verdict.ERROR,
                "exit_code": outcome.EXIT_CODES[Verdict.ERROR],
                "partial": True,
            }
        ids = ",".join(row["id"] for row in failing.rows(self.document))
        started = replay.Run(self.arguments, seed, self.shuffle)
        self.document |= self.expectation.against(self.document)
        self.document |= {"again": replay.both(started, ids), **replay.scope(started)}
        verdict.write(self.out / stored.NAME, self.document)
        self.report = report_page.write_or_reason(self.out) + exports.write_or_reason(self.out)
        self.answers = claims.answer(facts["claims"], self.document)
        if self.answers:
            (self.out / "claims.html").write_text(claims.page(self.answers))
        if (folder := self.out / "allure-results").is_dir():
            catches = {identity: row.catches for identity, row in self.ledger.known.items()}
            self.report += results.complete_or_reason(folder, self.document, catches)
            if self.answers:
                claims.add_to_allure(self.answers, folder)
        stored.point_latest(self.out)

    def make_page(self, cache: Path) -> None:
        """Generate the single-file page, or store the reason why it is missing."""
        target = self.out / "allure.html"
        try:
            page.write(self.out / "allure-results", target, cache, page.history_of(self.out, self.document))
        except (page.NoPageError, OSError) as error:
            self.page = f"{self.out / 'allure-results'} (no single page: {error})"
        else:
            self.page = str(target)
