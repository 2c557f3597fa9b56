"""The fixtures of all cases, and the evidence of failed cases."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fixtures import waiting
from fixtures.cnis import health
from fixtures.cnis.agents import replace
from fixtures.plugin import TESTBED
from fixtures.waiting import NeverHappenedError
from reports import evidence, kinds, replay
from reports.outcome import Inconclusive, Refuted
from reports.plugin import FACTS
from suites.support import failures
from suites.support.expect import Expect, refuted_by_plugin
from suites.support.proxies import beside_working_proxies
from suites.support.workspaces import pool  # noqa: F401 - a fixture of all policy suites

if TYPE_CHECKING:
    from collections.abc import Generator

    from fixtures.testbed.testbed import Testbed

PATIENCE = 20.0  # seconds until the plugin's state is as before a case; our patience, agents look every ten at most


@pytest.fixture
def facts(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The facts of the case for the report."""
    facts: dict[str, Any] = {}
    request.node.stash[FACTS] = facts
    return facts


@pytest.fixture
def out(request: pytest.FixtureRequest) -> Path:
    """The run's folder."""
    return Path(request.config.option.out)


@pytest.fixture
def expect(testbed: Testbed, facts: dict[str, Any], request: pytest.FixtureRequest) -> Expect:
    """The assertion vocabulary."""
    out = Path(request.config.option.out)
    return Expect(testbed, facts, evidence.folder_of(out, request.node.nodeid), _ids(request.node))


@pytest.fixture
def agents_as_before(testbed: Testbed, out: Path) -> Generator[None, None, None]:
    """Restore agents after a case that changes them: replace those with troubles, wait for findings to be as before.

    The restarts and errors that the case caused are recorded, so that no other case counts them against the agents.
    """
    agents, kube, nodes = testbed.cni.agents, testbed.kube, len(testbed.nodes)
    found, troubles = set(testbed.findings()), health.troubles(kube, agents)
    yield
    with contextlib.suppress(NeverHappenedError):  # the cases about agents and kernel state report what is wrong
        for agent, node in health.affected(agents, health.troubles(kube, agents) - troubles):
            replace(kube, agent, node, nodes)
        waiting.until(lambda: not set(testbed.findings()) - found, "the plugin's state as before", patience=PATIENCE)
    health.record(out, troubles, health.troubles(kube, agents))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run cases that name a family once per family of the cluster."""
    own = {name for mark in metafunc.definition.iter_markers("parametrize") for name in str(mark.args[0]).split(",")}
    if "family" in metafunc.fixturenames and "family" not in own:  # tests of netproof itself name families
        testbed = metafunc.config.stash.get(TESTBED, None)
        metafunc.parametrize("family", testbed.topology.families if testbed else ("ipv4",))


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """A plugin that worked when the cluster came up and no longer does has failed; trylast: lateness may excuse it.

    Cases that need Services have kube-proxy as their control.
    """
    __tracebackhide__ = True
    testbed = item.config.stash.get(TESTBED, None)
    of_services = any("services" in mark.args for mark in item.iter_markers("needs"))
    control = beside_working_proxies(testbed.kube) if testbed and of_services else contextlib.nullcontext()
    with refuted_by_plugin(), control:
        yield


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_setup() -> Generator[None, None, None]:
    """The same while fixtures are made: pods that a case needs get no network."""
    __tracebackhide__ = True
    with refuted_by_plugin():
        yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep the evidence of a case that failed, unless the failing check has kept it, and attach all of it."""
    if call.when != "teardown" and call.excinfo and not call.excinfo.errisinstance(pytest.skip.Exception):
        funcargs: dict[str, Any] = getattr(item, "funcargs", {})
        if testbed := funcargs.get("testbed"):
            folder = evidence.folder_of(Path(item.config.option.out), item.nodeid)
            run = replay.Run(item.config.invocation_params.args, item.config.option.seed, item.config.option.shuffle)
            evidence.write(folder, "replay", replay.commands(run, _ids(item)))
            if not (folder / evidence.ABOUT).exists():
                failures.keep(testbed, folder, kinds.of(_ids(item), _what(call.excinfo.value)))
            evidence.attach_files(folder)
    return (yield)


def _ids(item: pytest.Item) -> str:
    return ",".join(identity for mark in item.iter_markers("requirement") for identity in mark.args)


def _what(error: BaseException) -> str:
    """Return what failed in a case without wrong flows: a finding, a control, or an error."""
    named = ((Inconclusive, "inconclusive"), (Refuted, "finding"))
    return next((name for kind, name in named if isinstance(error, kind)), type(error).__name__)
