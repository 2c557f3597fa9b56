"""How the speed of a path is measured, on a fake network."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from fixtures.clusters.topology import Topology
from fixtures.probes.fake import FakeNetwork
from fixtures.probes.pods import ProbePod
from fixtures.testbed.bare_veth import BareVeth
from policies.families import Family
from policies.flow import Flow, Target
from reports.outcome import Refuted
from reports.performance_fact import CPU, FIGURES, THROUGHPUT, TRIP_P50, PathName
from suites.support import speeds

if TYPE_CHECKING:
    from collections.abc import Callable

    from fixtures.testbed.testbed import Testbed
    from reports.performance_fact import PerformanceFact

CLIENT, SERVER, BARE = "x/a-node1", "x/a-node2", "bare veth"
ADDRESSES = {CLIENT: ["10.244.1.2"], SERVER: ["10.244.2.2"], BARE: ["192.0.2.1"]}
FLOW = Flow(CLIENT, SERVER, Target("tcp", "10.244.2.2", 80), identities=frozenset({SERVER}))
PATH = speeds.Path(PathName.OTHER_NODE, Family.IPV4, FLOW, SERVER)
IDLE = 0.1  # processors that work at rest, in a fake network


@pytest.fixture(autouse=True)
def _no_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processors of a fake network need not be watched for a time."""
    monkeypatch.setattr(speeds, "REST", 0.0)


def answer(factor: float = 1.0, ended: str = "") -> dict[str, Any]:
    """Return an agent's answer: a path that carries 1 GB a second, or a fraction of it."""
    return {
        "seconds": 1.0,
        "bytes": int(1e9 * factor),
        "count": int(10_000 * factor),
        "p50": 50.0 / factor,
        "p99": 90.0 / factor,
        "busy": 1.0 + IDLE,
        "ended": ended,
    }


def slower(by: float) -> Callable[[str, dict[str, Any]], dict[str, Any]]:
    """Return a network in which the bare veth pair is faster than the path."""
    return lambda client, _: answer() if client == BARE else answer(1 / by)


def measured(
    speed: Callable[[str, dict[str, Any]], dict[str, Any]],
    rounds: int = 3,
    **more: Any,  # noqa: ANN401 - of a network
) -> tuple[PerformanceFact, FakeNetwork]:
    """Measure a path of a fake network; returns the fact and the network."""
    network = FakeNetwork(ADDRESSES, speed=speed, **more)
    probers = network.probers()
    bare = BareVeth(probers.pop(BARE))
    testbed = cast("Testbed", SimpleNamespace(probers=probers))
    return speeds.measure(testbed, PATH, bare, rounds), network


def test_a_slower_path_has_the_ratio_by_which_it_is_slower() -> None:
    """Rates are divided by the bare veth pair's, and so are times; CPU counts per byte."""
    fact, _ = measured(slower(4))
    assert {figure.key: fact["figures"][figure.key]["ratio"] for figure in FIGURES} == {
        figure.key: 0.25 if figure.rises else 4.0 for figure in FIGURES
    }
    assert fact["figures"][THROUGHPUT.key]["value"] == 2.0
    assert fact["figures"][THROUGHPUT.key]["base"] == 8.0
    assert fact["figures"][TRIP_P50.key]["values"] == [200.0] * 3
    assert (fact["client"], fact["server"], fact["rounds"], fact["without_base"]) == (CLIENT, SERVER, 3, "")


def test_what_the_processors_do_at_rest_does_not_count() -> None:
    """Of 1.1 s that they work, 0.1 s are theirs without traffic."""
    fact, _ = measured(slower(1))
    assert fact["figures"][CPU.key]["value"] == pytest.approx(1.0, rel=0.01)


def test_the_processors_of_a_busy_machine_do_not_count() -> None:
    """What other programs do then is more than what a stream costs, so the figure is missing; the others stay."""
    fact, _ = measured(slower(1), at_rest=0.8)
    assert fact["figures"].keys() == {figure.key for figure in FIGURES} - {CPU.key}


def test_the_pair_and_the_path_are_measured_in_turn() -> None:
    """A slow moment of the machine is one of both; streams end after a number of bytes, too."""
    sent: list[tuple[str, str]] = []
    limits = set()

    def speed(client: str, request: dict[str, Any]) -> dict[str, Any]:
        sent.append((client, request["what"]))
        limits.add(request["bytes"])
        return answer()

    measured(speed, rounds=2)
    clients = [client for client, what in sent if what == "stream"]
    assert clients == [BARE, CLIENT, BARE, CLIENT]
    assert [what for client, what in sent][:3] == ["stream", "connections", "requests"]
    assert limits == {speeds.MOST_HERE}


def test_nodes_on_other_machines_have_no_bare_pair() -> None:
    """Their figures are not compared with those of another machine, and streams are short."""
    limits = set()

    def speed(_: str, request: dict[str, Any]) -> dict[str, Any]:
        limits.add(request["bytes"])
        return answer()

    fact, _ = measured(speed, machines={CLIENT: "one", SERVER: "two"})
    assert all("ratio" not in figure for figure in fact["figures"].values())
    assert fact["without_base"].startswith("the nodes are other machines")
    assert limits == {speeds.MOST_ELSEWHERE}


def stopping(who: str) -> Callable[[str, dict[str, Any]], dict[str, Any]]:
    """Return a network in which new connections of a client are not answered."""
    return lambda client, request: answer(ended="timeout" if (client, request["what"]) == (who, "connections") else "")


def test_a_path_that_carries_nothing_fails() -> None:
    """With what was sent, by whom and the outcome, which a late machine may explain."""
    with pytest.raises(Refuted, match=rf"connections from {CLIENT} to tcp .*: timeout") as raised:
        measured(stopping(CLIENT))
    assert raised.value.during


def test_a_bare_pair_that_carries_nothing_says_nothing_about_the_path() -> None:
    """The figures of the path stay, without ratios."""
    fact, _ = measured(stopping(BARE))
    assert fact["figures"].keys() == {figure.key for figure in FIGURES}
    assert "ratio" not in fact["figures"][THROUGHPUT.key]
    assert fact["without_base"].startswith(f"connections from {BARE} to tcp")


def test_a_reset_is_no_matter_of_time() -> None:
    """No late machine explains it."""
    with pytest.raises(Refuted, match="reset") as raised:
        measured(lambda client, _: answer(ended="" if client == BARE else "reset"))
    assert raised.value.during is None


def pods(node: str) -> list[ProbePod]:
    """Return the probe pods of a node."""
    number = node[-1]
    names = [("x", "a"), ("x", "b"), ("y", "a"), ("y", "b")]
    return [
        ProbePod(ns, f"{name}-{node}", node, "", (f"10.244.{number}.{ip}",), host_network=False)
        for ip, (ns, name) in enumerate(names, 2)
    ]


def cluster(*nodes: str) -> Testbed:
    """Return a cluster with probe pods on some nodes, and an external host."""
    return cast("Testbed", SimpleNamespace(nodes=nodes, pods_on=pods, topology=Topology()))


@pytest.mark.parametrize(
    ("name", "host", "server"),
    [
        (PathName.SAME_NODE, "10.244.1.3", "x/b-node1"),
        (PathName.OTHER_NODE, "10.244.2.2", "x/a-node2"),
        (PathName.OUTSIDE, "203.0.113.10", "outside"),
    ],
)
def test_a_path_leads_from_the_first_pod(name: PathName, host: str, server: str) -> None:
    """Its server is beside it, on the second node, or outside; the flow is the control of the server."""
    with speeds.opened(cluster("node1", "node2"), name, Family.IPV4) as path:
        assert path
        assert (path.flow.source, path.flow.target, path.server) == ("x/a-node1", Target("tcp", host, 80), server)
        assert path.flow.servers == {server}


@pytest.mark.parametrize("name", [PathName.OTHER_NODE, PathName.CLUSTER_IP])
def test_a_cluster_of_one_node_has_no_path_between_nodes(name: PathName) -> None:
    """Behind a ClusterIP the server would be on the same node, which is another path."""
    with speeds.opened(cluster("node1"), name, Family.IPV4) as path:
        assert path is None


def test_repeats_measure_every_family() -> None:
    """Otherwise the preferred one, for the sake of time; a collection without a cluster has one, too."""
    both = cast("Testbed", SimpleNamespace(topology=Topology(families=(Family.IPV6, Family.IPV4))))
    assert speeds.families(both, None) == (Family.IPV6,)
    assert speeds.families(both, 10) == (Family.IPV6, Family.IPV4)
    assert speeds.families(None, None) == (Family.IPV4,)


def test_the_figures_of_a_few_rounds_have_no_interval() -> None:
    """Six rounds are the fewest with a confidence of 95 %."""
    assert "interval" not in measured(slower(2), rounds=5)[0]["figures"][THROUGHPUT.key]
    assert measured(slower(2), rounds=6)[0]["figures"][THROUGHPUT.key]["interval"] == (4.0, 4.0)
