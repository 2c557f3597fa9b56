"""The pytest side of reports: every case becomes a record, and at the end one writer makes the reports.

Active only when a cluster was asked for; the suite's own tests leave no report.
"""

from __future__ import annotations

import contextlib
import datetime
import os
import random
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from policies import requirements
from policies.datafile import BadFileError
from reports import claims, lateness, outcome, page, summary, verdict
from reports.ledger import Ledger
from reports.outcome import Inconclusive, Refuted, Verdict
from reports.record import Record

if TYPE_CHECKING:
    from collections.abc import Generator

    from reports.claims import Answer

OUT = Path(__file__).parent / "out"
ACTIVE = pytest.StashKey["Run"]()
FACTS = pytest.StashKey[dict[str, Any]]()
KNOWN = pytest.StashKey["dict[str, requirements.Requirement]"]()  # the requirements of the run, by id
LONGEST_MESSAGE = 20_000
OPTIONS = "netproof options"  # what a worker of xdist is told under this name
DECIDED = ("out", "seed", "allure_report_dir")  # options that the controller may have set itself


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of reports."""
    group = parser.getgroup("netproof reports")
    group.addoption("--out", metavar="DIR", help="the run's folder (default: reports/out/<UTC time>-<cni>)")
    group.addoption("--seed", type=int, help="seed of everything random (default: a new one, in the report)")
    group.addoption("--no-page", action="store_true", help="do not make the single-file Allure page")


class Hooks:
    """Hooks that other plugins answer."""

    @pytest.hookspec(firstresult=True)
    def pytest_netproof_active(self, config: pytest.Config) -> bool | None:
        """Whether this run has a cluster; then it is reported."""

    @pytest.hookspec(firstresult=True)
    def pytest_netproof_facts(self, config: pytest.Config) -> dict[str, Any] | None:
        """Facts of the run for the report: cni, cluster, programs, cache, claims, lateness."""

    @pytest.hookspec(firstresult=True)
    def pytest_netproof_requirements(self, config: pytest.Config) -> list[Path] | None:
        """Files of requirements that lie with the plugin under test."""

    @pytest.hookspec(firstresult=True)
    def pytest_netproof_plugin(self, config: pytest.Config) -> str | None:
        """The plugin under test as plugin:variant, before there is a cluster; the run's folder is called after it."""

    @pytest.hookspec(firstresult=True)
    def pytest_netproof_lateness(self, config: pytest.Config, begun: float, ended: float) -> dict[str, Any] | None:
        """How late the machine was between two times of the monotonic clock, as reports/lateness.py says."""


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Make the hooks known."""
    pluginmanager.add_hookspecs(Hooks)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Decide where everything goes, before other report plugins ask."""
    own = config.hook.pytest_netproof_requirements(config=config) or ()
    try:
        known = config.stash[KNOWN] = requirements.load(tuple(own))
    except BadFileError as error:
        raise pytest.UsageError(str(error)) from error
    if not config.hook.pytest_netproof_active(config=config):
        return
    wanted = set((config.getoption("--only") or "").split(",")) - {""}
    if unknown := wanted - known.keys():
        raise pytest.UsageError(f"--only: no requirement is called {', '.join(sorted(unknown))}.")
    if hasattr(config, "workerinput"):  # a worker: the controller decides and writes
        vars(config.option).update(config.workerinput[OPTIONS])
        return
    if config.option.seed is None:
        config.option.seed = random.SystemRandom().randrange(2**31)
    now = datetime.datetime.now(datetime.UTC)
    out = Path(config.option.out or OUT / folder_of(config, now)).absolute()
    if (out / "verdict.json").exists() or (out / "allure-results").exists():
        raise pytest.UsageError(f"--out {out} holds a run already; choose another folder, or remove that one.")
    config.option.out = str(out)
    config.option.xmlpath = config.option.xmlpath or str(out / "junit.xml")
    config.option.allure_report_dir = config.option.allure_report_dir or str(out / "allure-results")
    config.stash[ACTIVE] = Run(out, known, now.strftime("%Y-%m-%dT%H:%M:%SZ"), config.option.shuffle)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Refuse a case that answers for a requirement that there is not."""
    for item in items:
        cited = {identity for mark in item.iter_markers("requirement") for identity in mark.args}
        if unknown := cited - config.stash[KNOWN].keys():
            names = ", ".join(sorted(unknown))
            raise pytest.UsageError(f"{item.path}, {item.name}: no requirement is called {names}.")


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:  # noqa: ANN401 - xdist has no types
    """Tell a worker of xdist what was decided: it reads the command line only."""
    node.workerinput[OPTIONS] = {name: getattr(node.config.option, name) for name in DECIDED}


def folder_of(config: pytest.Config, now: datetime.datetime) -> str:
    """What the folder of a run is called: when it began, and the plugin."""
    cni = str(config.hook.pytest_netproof_plugin(config=config)).strip("./~")
    return f"{now:%Y%m%dT%H%M%S}Z-{cni.replace(':', '-').replace('/', '-')}"


class Run:
    """A reported run."""

    def __init__(
        self, out: Path, known: dict[str, requirements.Requirement], started: str, shuffle: int | None = None
    ) -> None:
        self.out = out
        self.started = started
        self.shuffle = shuffle
        self.begun = time.monotonic()
        self.ledger = Ledger(known=known)
        self.document: dict[str, Any] = {}
        self.answers: list[Answer] = []  # to what people claim about the plugin
        self.page = ""

    def finish(self, facts: dict[str, Any], seed: int, *, aborted: bool) -> None:
        """Write verdict.json and let `latest` point here; a run that was cut short certifies nothing."""
        seconds = time.monotonic() - self.begun
        self.document = verdict.build(self.ledger, facts, started=self.started, seconds=seconds, seed=seed)
        self.document |= {} if self.shuffle is None else {"shuffle": self.shuffle}
        if failure := facts.get("failure"):
            of_codes = {outcome.EXIT_CODES[each]: each for each in (Verdict.FAILED, Verdict.INCONCLUSIVE)}
            self.document |= {"verdict": of_codes.get(failure["exit_code"], Verdict.ERROR), **failure}
        elif aborted:
            self.document |= {"verdict": Verdict.ERROR, "exit_code": outcome.EXIT_CODES[Verdict.ERROR]}
        verdict.write(self.out / "verdict.json", self.document)
        self.answers = claims.answer(facts["claims"], self.document)
        if self.answers:
            (self.out / "claims.html").write_text(claims.page(self.answers))
            if (results := self.out / "allure-results").is_dir():
                claims.into_allure(self.answers, results)
        if self.out.parent == OUT:
            point_latest(self.out)

    def make_page(self, cache: Path) -> None:
        """Make the single page, or note why there is none."""
        target = self.out / "allure.html"
        try:
            page.write(self.out / "allure-results", target, cache)
        except (page.NoPageError, OSError) as error:
            self.page = f"{self.out / 'allure-results'} (no single page: {error})"
        else:
            self.page = str(target)


def point_latest(out: Path) -> None:
    """Let the link `latest` beside a run's folder point to it, with no moment without a link."""
    draft = out.parent / f".latest-{os.getpid()}"
    with contextlib.suppress(FileNotFoundError):
        draft.unlink()
    draft.symlink_to(out.name)
    draft.replace(out.parent / "latest")


def verdict_of(report: pytest.TestReport, call: pytest.CallInfo[None]) -> Verdict | None:
    """The verdict that a phase of a case gives; None where the phase says nothing."""
    if report.skipped:
        return Verdict.UNSUPPORTED
    if report.failed and call.excinfo is not None:
        if call.excinfo.errisinstance(Inconclusive):
            return Verdict.INCONCLUSIVE
        ours = report.when != "call" or not call.excinfo.errisinstance(Refuted)
        return Verdict.ERROR if ours else Verdict.FAILED
    return Verdict.PASSED if report.when == "call" else None


def message_of(report: pytest.TestReport, call: pytest.CallInfo[None]) -> str:
    """Why a phase did not pass, in the words of whoever stopped it."""
    if report.skipped and isinstance(report.longrepr, tuple):
        return report.longrepr[2].removeprefix("Skipped: ")
    return str(call.excinfo.value)[:LONGEST_MESSAGE] if call.excinfo else ""


def ask(item: pytest.Item) -> lateness.Ask:
    """What tells how late the machine was in a case."""
    return lambda begun, ended: item.config.hook.pytest_netproof_lateness(config=item.config, begun=begun, ended=ended)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, None, None]:
    """What a case needs and what came too late on a late machine makes it inconclusive."""
    with lateness.excused(ask(item)):
        yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """A requirement that looked broken on a late machine is inconclusive where that explains it."""
    __tracebackhide__ = True
    with lateness.excused(ask(item)):
        yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Put the case's record on the report, which xdist carries to the controller."""
    report = yield
    came_to = verdict_of(report, call)
    if came_to is not None:
        titled = item.get_closest_marker("title")
        doc = titled.args[0] if titled else getattr(getattr(item, "function", None), "__doc__", None) or item.name
        marks = tuple(identity for mark in item.iter_markers("requirement") for identity in mark.args)
        parameters = f" [{item.callspec.id}]" if hasattr(item, "callspec") else ""
        Record(
            item.nodeid,
            title=doc.strip().splitlines()[0] + parameters,
            requirements=marks,
            verdict=came_to,
            seconds=round(call.duration, 3),
            message=message_of(report, call),
            facts=item.stash.get(FACTS, {}) | lateness.facts(ask(item), call),
        ).attach(report)
    return report


@pytest.hookimpl(trylast=True)
def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """On the controller, keep the record and show that the case is done."""
    if CONTROLLER is not None and (record := Record.of(report)):
        CONTROLLER.keep(record)


class Controller:
    """Keeps records and shows progress, in the process that writes the reports."""

    def __init__(self, config: pytest.Config, run: Run) -> None:
        self.run = run
        self.terminal = config.pluginmanager.getplugin("terminalreporter")
        self.unsupported: set[str] = set()  # reasons that were shown

    def keep(self, record: Record) -> None:
        """Add a record to the ledger and show its line."""
        self.run.ledger.add(record)
        if record.verdict is Verdict.UNSUPPORTED:
            if record.message in self.unsupported:
                return  # shown once; the table at the end names every requirement
            self.unsupported.add(record.message)
        markup = {
            Verdict.PASSED: {"green": True},
            Verdict.UNSUPPORTED: {"yellow": True},
            Verdict.INCONCLUSIVE: {"purple": True},
        }.get(record.verdict, {"red": True, "bold": True})
        self.terminal.write(f"{record.verdict:12}", **markup)
        ids = ",".join(record.requirements) or "-"
        self.terminal.write_line(f" {record.seconds:6.2f} s  {ids:8} {record.title}")


CONTROLLER: Controller | None = None


@pytest.hookimpl(wrapper=True)
def pytest_sessionstart(session: pytest.Session) -> Generator[None, None, None]:
    """Make the run's folder, now that every option is known to be right, and begin to keep records."""
    global CONTROLLER  # noqa: PLW0603 - pytest_runtest_logreport is given no config
    run = session.config.stash.get(ACTIVE, None)
    if run is not None:
        try:
            (run.out / "evidence").mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise pytest.UsageError(f"--out {run.out} cannot be written: {error}.") from error
    CONTROLLER = Controller(session.config, run) if run else None
    try:
        return (yield)
    except pytest.exit.Exception:  # pytest calls no other hook then
        facts = session.config.hook.pytest_netproof_facts(config=session.config)
        if run is not None and facts:
            late = lateness.of_run(session.config, run.begun)
            run.finish(facts | late, session.config.option.seed, aborted=True)
        raise


def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
    """Count cases by verdict; the record's line replaces pytest's letter."""
    record = Record.of(report)
    return None if CONTROLLER is None or record is None else (str(record.verdict), "", "")


@pytest.hookimpl(wrapper=True, trylast=True)  # innermost: done before the terminal sums up
def pytest_sessionfinish(session: pytest.Session) -> Generator[None, None, None]:
    """Write the reports and turn the verdict into the exit code."""
    config = session.config
    run = config.stash.get(ACTIVE, None)
    facts = config.hook.pytest_netproof_facts(config=config) if run else None
    result = yield
    if run is None or facts is None or config.option.collectonly:
        return result
    ran = {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED}
    aborted = session.exitstatus not in ran
    run.finish(facts | lateness.of_run(config, run.begun), config.option.seed, aborted=aborted)
    if not (aborted or "failure" in facts or config.option.no_page):
        run.make_page(Path(facts["cache"]))
    session.exitstatus = run.document["exit_code"]
    return result


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:  # noqa: ANN401 - pytest's own
    """Show what came out."""
    run = config.stash.get(ACTIVE, None)
    if run and run.document:
        terminalreporter.section("what holds")
        width = terminalreporter._tw.fullwidth  # noqa: SLF001 - the only place pytest keeps it
        terminalreporter.write_line(summary.show(run.document, run.answers, run.out, run.page or str(run.out), width))
