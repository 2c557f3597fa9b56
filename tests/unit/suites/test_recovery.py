"""The case of a fault, without a cluster: a recovery other than the known one fails, whatever the fault is."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from fixtures.cnis import catalogue as plugins
from fixtures.faults import catalogue, injection
from fixtures.faults.catalogue import Recovery, Remedy
from fixtures.faults.experiment import Experiment
from fixtures.probes.fake import FakeNetwork, closed
from policies.flow import Flow, Target
from reports.outcome import Inconclusive, Refuted
from suites.chaos import test_faults as suite
from suites.support import expect as expectations
from suites.support.expect import Expect

if TYPE_CHECKING:
    from pathlib import Path

    from fixtures.faults.catalogue import KnownRecovery
    from fixtures.testbed.testbed import Testbed

VARIANTS = ("flannel:vxlan", "flannel:host-gw", "flannel:vxlan-nft", "calico-manifest:vxlan")
KNOWN = [
    (variant, fault)
    for variant in VARIANTS
    for fault in catalogue.load()
    if catalogue.known_recovery(plugins.find(variant), fault)
]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:  # noqa: ANN401 - a function with keywords
    """A function that runs the case of a fault with the course of an experiment that its caller chooses."""
    monkeypatch.setattr(injection, "placeholders", lambda *_: {})
    without_control = Flow("a", "b", Target("tcp", "10.244.0.2", 80))  # it names no server
    monkeypatch.setattr(Experiment, "matrix", lambda _: [without_control])
    monkeypatch.setattr(Expect, "flows", lambda *_, **__: 0.0)

    def function(variant: str, fault: str, **course: object) -> Expect:
        def experiment(one: Experiment, _: object) -> None:
            for name, value in {"took_effect": True, **course}.items():
                setattr(one, name, value)

        monkeypatch.setattr(Experiment, "run", experiment)
        topology = SimpleNamespace(families=("ipv4",))
        made = SimpleNamespace(
            nodes=("node1", "node2"), topology=topology, cni=plugins.find(variant), probers={}, pods={}, hosts={}
        )
        testbed = cast("Testbed", made)
        expect = Expect(testbed, {}, tmp_path)
        suite.test_a_fault_recovers_as_known(testbed, expect, catalogue.load()[fault], tmp_path)
        return expect

    return function


def known(variant: str, fault: str) -> KnownRecovery:
    """How a variant is known to recover."""
    found = catalogue.known_recovery(plugins.find(variant), fault)
    assert found is not None
    return found


def test_every_fault_has_a_known_recovery() -> None:
    """The variants of this file cover all faults of nodes in faults.yaml."""
    assert {fault for _, fault in KNOWN} == {name for name, fault in catalogue.load().items() if not fault.host}


@pytest.mark.parametrize(("variant", "fault"), KNOWN)
def test_a_fault_fails_if_traffic_or_state_recover_by_another_remedy(run: Any, variant: str, fault: str) -> None:  # noqa: ANN401 - a function with keywords
    """As known it passes; without recovery, or by another remedy than the known one, it does not."""
    right = known(variant, fault)
    fact = run(variant, fault, traffic=right.traffic, state=right.state).facts["fault"]
    assert fact["id"] == fault
    assert ("traffic" in fact["known_seconds"]) == (right.traffic.by is Remedy.UNAIDED)
    for part in ("traffic", "state"):
        for remedy in set(Remedy) - {getattr(right, part).by}:
            course = {"traffic": right.traffic, "state": right.state, part: Recovery(remedy)}
            with pytest.raises(Refuted, match=f"recovery of {part}: observed: {Recovery(remedy)}"):
                run(variant, fault, **course)


@pytest.mark.parametrize(("variant", "fault"), KNOWN)
def test_a_fault_fails_if_something_remains_crashes_or_takes_too_long(run: Any, variant: str, fault: str) -> None:  # noqa: ANN401 - a function with keywords
    """The end of a fault counts, not its remedy alone; a fault without effect is inconclusive."""
    right = known(variant, fault)
    course = {"traffic": right.traffic, "state": right.state}
    with pytest.raises(Refuted, match="not as they were before"):
        run(variant, fault, **course, left=["D50: node1: route"])
    with pytest.raises(Refuted, match="the agent crashed"):
        run(variant, fault, **course, crashes=["panic"])
    with pytest.raises(Inconclusive, match="had no effect"):
        run(variant, fault, **course, took_effect=False)
    for part in [name for name in course if course[name].by is Remedy.UNAIDED]:
        with pytest.raises(Refuted, match=f"recovery of {part} without intervention took"):
            run(variant, fault, **{**course, part: Recovery(Remedy.UNAIDED, math.inf)})


@pytest.mark.parametrize(("dead", "verdict"), [({}, Refuted), ({"x/b": "timeout"}, Inconclusive)])
def test_traffic_that_is_wrong_before_the_fault_is_the_plugins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dead: dict[str, str], verdict: type[Exception]
) -> None:
    """Nothing is broken yet; only a dead server leaves it open."""
    network = FakeNetwork({"x/a": ["10.0.0.1"], "x/b": ["10.0.0.2"]}, closed(("x/a", "x/b")), dead)
    flow = Flow("x/a", "x/b", Target("tcp", "10.0.0.2", 80), identities=frozenset({"x/b"}))
    monkeypatch.setattr(Experiment, "matrix", lambda _: [flow])
    monkeypatch.setattr(suite, "PATIENCE", 0.0)
    monkeypatch.setattr(expectations, "SERVERS", 0.1)
    topology = SimpleNamespace(families=("ipv4",))
    cni = plugins.find("flannel:vxlan")
    made = SimpleNamespace(
        nodes=("node1", "node2"), topology=topology, cni=cni, probers=network.probers(), pods={}, hosts={}
    )
    testbed = cast("Testbed", made)
    fault = next(iter(catalogue.load().values()))
    with pytest.raises(verdict, match="x/b"):
        suite.test_a_fault_recovers_as_known(testbed, Expect(testbed, {}, tmp_path), fault, tmp_path)
