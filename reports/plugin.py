"""The pytest plugin that writes reports: it records each case and writes the reports at the end of the run.

It is active only in runs that use a cluster; netproof's own tests write no report.
"""

from __future__ import annotations

import datetime
import random
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from policies import requirements
from policies.datafile import BadFileError
from reports import columns, evidence, expected, failing, hooks, lateness, stored, summary
from reports.allure_results import running
from reports.outcome import Inconclusive, Refuted, Verdict
from reports.record import Record
from reports.redaction import redacted
from reports.run import Run

if TYPE_CHECKING:
    from collections.abc import Generator

ACTIVE = pytest.StashKey[Run]()
FACTS = pytest.StashKey[dict[str, Any]]()
KNOWN = pytest.StashKey["dict[str, requirements.Requirement]"]()  # the requirements of the run, by id
LONGEST_MESSAGE = 20_000
WORKER_INPUT = "netproof options"  # key of the options that the controller sends to workers of xdist
SENT_OPTIONS = ("out", "seed", "allure_report_dir")  # the controller may have chosen their values


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of reports."""
    group = parser.getgroup("netproof reports")
    group.addoption("--out", metavar="DIR", help="the run's folder (default: reports/out/<UTC time>-<cni>)")
    group.addoption("--seed", type=int, help="seed of everything random (default: a new one, in the report)")
    group.addoption("--no-page", action="store_true", help="do not make the single-file Allure page")
    expected.add_options(group)


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Register the hooks."""
    pluginmanager.add_hookspecs(hooks)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Check --only and --out, and choose the folder and the seed before other report plugins read their options.

    Raises:
        pytest.UsageError: a requirement file is wrong, --only has an unknown id, or --out has a run already.
    """
    own = config.hook.pytest_netproof_requirements(config=config) or ()
    try:
        known = config.stash[KNOWN] = requirements.load(tuple(own))
    except BadFileError as error:
        raise pytest.UsageError(str(error)) from error
    if not config.hook.pytest_netproof_active(config=config):
        return
    selected = set((config.getoption("--only") or "").split(",")) - {""}
    if unknown := selected - known.keys():
        raise pytest.UsageError(f"--only: no requirement is called {', '.join(sorted(unknown))}.")
    if hasattr(config, "workerinput"):  # a worker: the controller chooses the values and writes the reports
        vars(config.option).update(config.workerinput[WORKER_INPUT])
        return
    if config.option.seed is None:
        config.option.seed = random.SystemRandom().randrange(2**31)
    now = datetime.datetime.now(datetime.UTC)
    out = Path(config.option.out or stored.OUT / folder_of(config, now)).absolute()
    if (out / stored.NAME).exists() or (out / "allure-results").exists():
        raise pytest.UsageError(f"--out {out} holds a run already; choose another folder, or remove that one.")
    expectation = expected.of(config, known.keys(), selected)
    config.option.out = str(out)
    config.option.allure_report_dir = config.option.allure_report_dir or str(out / "allure-results")
    started, arguments = now.strftime("%Y-%m-%dT%H:%M:%SZ"), config.invocation_params.args
    config.stash[ACTIVE] = Run(out, known, started, config.option.shuffle, arguments, expectation)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Check that every requirement that a case cites exists.

    Raises:
        pytest.UsageError: one does not.
    """
    for item in items:
        cited = {identity for mark in item.iter_markers("requirement") for identity in mark.args}
        if unknown := cited - config.stash[KNOWN].keys():
            names = ", ".join(sorted(unknown))
            raise pytest.UsageError(f"{item.path}, {item.name}: no requirement is called {names}.")


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:  # noqa: ANN401 - xdist has no types
    """Send options that the controller chose to a worker of xdist, which itself reads only the command line."""
    node.workerinput[WORKER_INPUT] = {name: getattr(node.config.option, name) for name in SENT_OPTIONS}


def folder_of(config: pytest.Config, now: datetime.datetime) -> str:
    """Return the name of a run's folder: its start in UTC, to the millisecond, and the plugin."""
    cni = str(config.hook.pytest_netproof_plugin(config=config)).strip("./~")
    return f"{now:%Y%m%dT%H%M%S}.{now.microsecond // 1000:03}Z-{cni.replace(':', '-').replace('/', '-')}"


def verdict_of(report: pytest.TestReport, call: pytest.CallInfo[None]) -> Verdict | None:
    """Return the verdict of a phase of a case; None for a setup or teardown that succeeded."""
    if report.skipped:
        return Verdict.UNSUPPORTED
    if report.failed and call.excinfo is not None:
        if call.excinfo.errisinstance(Inconclusive):
            return Verdict.INCONCLUSIVE
        is_error = report.when == "teardown" or not call.excinfo.errisinstance(Refuted)
        return Verdict.ERROR if is_error else Verdict.FAILED
    return Verdict.PASSED if report.when == "call" else None


def message_of(report: pytest.TestReport, call: pytest.CallInfo[None]) -> str:
    """Return the reason why a phase did not pass: the reason of a skip, or the message of the exception."""
    if report.skipped and isinstance(report.longrepr, tuple):
        return report.longrepr[2].removeprefix("Skipped: ")
    return redacted(str(call.excinfo.value)[:LONGEST_MESSAGE]) if call.excinfo else ""


def evidence_of(item: pytest.Item, verdict: Verdict) -> tuple[str, ...]:
    """Return the paths of the evidence of a case that did not pass."""
    if verdict in failing.VERDICTS and (out := item.config.getoption("out", None)):
        return evidence.files(Path(out), item.nodeid)
    return ()


def lateness_of(item: pytest.Item) -> lateness.Measure:
    """Return a function that calls the hook pytest_netproof_lateness in a case."""
    return lambda begun, ended: item.config.hook.pytest_netproof_lateness(config=item.config, begun=begun, ended=ended)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, None, None]:
    """Make a case inconclusive if one of its fixtures failed and a late machine may be the cause."""
    with lateness.inconclusive_if_late(lateness_of(item)):
        yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """Make a case inconclusive if it failed and a late machine may be the cause."""
    __tracebackhide__ = True
    with lateness.inconclusive_if_late(lateness_of(item)):
        yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Attach a record of the case to the report, which xdist transfers to the controller."""
    if call.when == "setup":
        running.identify(item)
    report = yield
    result = verdict_of(report, call)
    if result is not None:
        mark = item.get_closest_marker("title")
        doc = mark.args[0] if mark else getattr(getattr(item, "function", None), "__doc__", None) or item.name
        ids = tuple(identity for mark in item.iter_markers("requirement") for identity in mark.args)
        parameters = f" [{item.callspec.id}]" if hasattr(item, "callspec") else ""
        Record(
            item.nodeid,
            title=doc.strip().splitlines()[0] + parameters,
            requirements=ids,
            verdict=result,
            seconds=round(call.duration, 3),
            message=message_of(report, call),
            facts=item.stash.get(FACTS, {}) | lateness.facts(lateness_of(item), call),
            evidence=evidence_of(item, result),
        ).attach(report)
    return report


@pytest.hookimpl(trylast=True)
def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Add the record of a report to the ledger, on the controller; a worker that crashed sent none of its case."""
    if CONTROLLER is not None and (record := record_of(report)):
        CONTROLLER.add(record)


def record_of(report: pytest.TestReport) -> Record | None:
    """Return the record of a phase of a case: that of the case itself, or an error if a failed phase has none."""
    record = Record.of(report)
    if record is None and report.failed:
        message = redacted(str(report.longrepr)[:LONGEST_MESSAGE])
        record = Record(report.nodeid, report.nodeid, (), Verdict.ERROR, report.duration, message=message)
    return record


class Controller:
    """Collects records and prints progress, in the process that writes the reports."""

    def __init__(self, config: pytest.Config, run: Run) -> None:
        self.run = run
        self.terminal = config.pluginmanager.getplugin("terminalreporter")
        self.unsupported: set[str] = set()  # reasons that were printed

    def add(self, record: Record) -> None:
        """Add a record to the ledger and print a line about it; each reason for unsupported cases is printed once."""
        self.run.ledger.add(record)
        if record.verdict is Verdict.UNSUPPORTED:
            if record.message in self.unsupported:
                return  # the summary has the ids of all of them
            self.unsupported.add(record.message)
        markup = {
            Verdict.PASSED: {"green": True},
            Verdict.UNSUPPORTED: {"yellow": True},
            Verdict.INCONCLUSIVE: {"purple": True},
        }.get(record.verdict, {"red": True, "bold": True})
        ids = ",".join(record.requirements) or "-"
        line = f"{record.verdict:12} {record.seconds:6.2f} s  {ids:11} "
        # One line per case if the output is no terminal, for programs that search it.
        lines = columns.hanging(line, record.title, columns.width() if self.terminal.isatty() else sys.maxsize)
        self.terminal.ensure_newline()  # with -v pytest has begun a line
        self.terminal.write(record.verdict, **markup)
        self.terminal.write_line("\n".join(lines).removeprefix(record.verdict))


CONTROLLER: Controller | None = None


@pytest.hookimpl(wrapper=True)
def pytest_sessionstart(session: pytest.Session) -> Generator[None, None, None]:
    """Create the run's folder, now that all options are checked, and start to collect records.

    Raises:
        pytest.UsageError: the folder cannot be created.
    """
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
    """Count cases by verdict; Controller.add prints a line in place of pytest's letter."""
    record = Record.of(report)
    return None if CONTROLLER is None or record is None else (str(record.verdict), "", "")


@pytest.hookimpl(wrapper=True, trylast=True)  # innermost: ends before the terminal prints the summary
def pytest_sessionfinish(session: pytest.Session) -> Generator[None, None, None]:
    """Write the reports and set pytest's exit code to that of the verdict."""
    config = session.config
    run = config.stash.get(ACTIVE, None)
    facts = config.hook.pytest_netproof_facts(config=config) if run else None
    result = yield
    if run is None or facts is None or config.option.collectonly:
        return result
    ran = {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED}
    aborted = session.exitstatus not in ran or bool(session.shouldfail or session.shouldstop)  # as by -x
    run.finish(facts | lateness.of_run(config, run.begun), config.option.seed, aborted=aborted)
    if not (aborted or "failure" in facts or config.option.no_page):
        run.make_page(Path(facts["cache"]))
    session.exitstatus = run.document["exit_code"]
    return result


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:  # noqa: ANN401 - pytest's own
    """Print the summary of the run; with -v it has a row for every requirement."""
    run = config.stash.get(ACTIVE, None)
    if run and run.document:
        terminalreporter.section("requirements")
        commands = run.document["again"]
        again = commands.get("failed", commands["run"])
        ended = summary.EndedRun(run.document, run.answers, run.ledger.records, run.out, run.page, again, run.report)
        every = config.option.verbose + getattr(config.option, "quiet", 0) > 0  # sessions begin with -qq
        terminalreporter.write(summary.show(ended, columns.width(), every_requirement=every))
