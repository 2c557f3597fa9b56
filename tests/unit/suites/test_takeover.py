"""The looks of a migration: those on the way are logged, the last one is judged."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from fixtures.cnis import replacing
from fixtures.probes import pods as probe_pods
from fixtures.probes.fake import FakeNetwork, changing, closed
from fixtures.probes.pods import ProbePod
from fixtures.waiting import NeverHappenedError
from policies.families import Family
from reports.outcome import Inconclusive, Refuted
from suites.migration import takeover as migration
from suites.migration.takeover import Takeover
from suites.migration.test_migration import finish
from suites.support.expect import Expect

if TYPE_CHECKING:
    from pathlib import Path

    from fixtures.probes.fake import Gives
    from fixtures.testbed.testbed import Testbed

PODS = [ProbePod("x", name, "node1", name, (f"10.0.0.{at}",), host_network=False) for at, name in enumerate("ab")]
ADDRESSES = {pod.key: [pod.ips[0]] for pod in PODS}


def bed(network: FakeNetwork) -> Testbed:
    """A testbed of two pods on a network, with no other pods."""
    made = SimpleNamespace(
        pods={pod.key: pod for pod in PODS},
        probers=network.probers(),
        topology=SimpleNamespace(families=(Family.IPV4,)),
        nodes=("node1",),
        cluster=None,
        kube=None,
        forget_probers=lambda: None,
    )
    return cast("Testbed", made)


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migration, "PATIENCE", 1.0)
    monkeypatch.setattr(probe_pods, "connect", lambda *_: {})
    monkeypatch.setattr(replacing, "traces", lambda *_: {})
    monkeypatch.setattr(Takeover, "recreate_pods", lambda _: None)


@pytest.mark.parametrize(
    ("gives", "right"), [(changing(5, closed(("x/a", "x/b"))), True), (closed(("x/a", "x/b")), False)]
)
def test_the_last_look_of_a_migration_settles(gives: Gives, tmp_path: Path, *, right: bool) -> None:
    """What is wrong three times in a row, and right then, passes; what stays wrong does not."""
    testbed = bed(FakeNetwork(ADDRESSES, gives))
    takeover, expect = Takeover(testbed), Expect(testbed, {}, tmp_path)
    if right:
        finish(takeover, expect, {}, "how it went")
        assert any("2 of 2 flows right" in line for line in takeover.lines)
        return
    with pytest.raises(Refuted, match="x/a → x/b"):
        finish(takeover, expect, {}, "how it went")


def test_a_dead_server_hides_nothing_on_the_way() -> None:
    """The log has it beside the flows of others; alone it makes the case inconclusive."""
    network = FakeNetwork(ADDRESSES, dead={"x/b": "timeout"})
    with pytest.raises(Inconclusive):
        Takeover(bed(network)).log_reachability("on the way")


def test_pods_that_do_not_end_fail_a_migration(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ending is the plugin's, like starting."""
    monkeypatch.undo()

    def clear(_: object) -> None:
        raise NeverHappenedError("the end of a namespace", (1.0, 2.0))

    monkeypatch.setattr(Takeover, "clear", clear)
    with pytest.raises(Refuted, match="cannot be created again: the end of a namespace") as caught:
        Takeover(bed(FakeNetwork(ADDRESSES))).recreate_pods()
    assert caught.value.during == (1.0, 2.0)
