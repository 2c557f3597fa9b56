"""The pictures of report.html, as coordinates: matrices, policies, paths of flows, and times."""

from __future__ import annotations

import re

import pytest

from reports.report import graph, grid, plots, route
from reports.report.grid import CELL
from tests.support import verdicts

FAULT = {
    "id": "F01",
    "sentence": "A route is deleted.",
    "traffic": "after a restart of the agent",
    "traffic_seconds": 20.0,
    "state": "without intervention within 10.00 s",
    "state_seconds": 10.0,
    "marks": [[20.0, "traffic is back"]],
    "flows": [
        {"kind": "udp", "client": "x/a", "server": "x/b", "longest": 0.1, "outages": []},
        {"kind": "tcp", "client": "x/a", "server": "x/c", "longest": 20.0, "outages": [[0.0, 20.0]]},
    ],
}


def test_wrong_cells_have_frames_in_the_picture_of_what_was_observed() -> None:
    """The description names each; in the other picture no cell has a frame."""
    drawn = grid.of(verdicts.wrong()["matrices"][0])
    expected, observed = drawn.pictures
    assert (expected.frames, observed.frames.count("M")) == ("", 1)
    assert observed.description == "1 wrong cell: x/b to x/a."
    assert (expected.dots.count("M"), expected.dashes.count("M")) == (7, 2)
    assert (observed.dots.count("M"), observed.dashes.count("M")) == (8, 1)
    assert drawn.legend == (("●", "gets through"), ("–", "is blocked"))
    (frame,) = re.findall(r"M(\d+) (\d+)", observed.frames)
    left, top = (int(value) + 9 - CELL // 2 for value in frame)
    assert (left, top + CELL) in [(label.x + 8, label.y - 4 + CELL // 2) for label in observed.rows[1:2]]


@pytest.mark.parametrize(
    ("expected", "observed", "wrong"),
    [("+", "-", True), ("+", "m", True), ("-", "-", False), ("?", "-", False), ("+", "?", False)],
)
def test_cells_that_are_not_judged_are_not_wrong(expected: str, observed: str, wrong: bool) -> None:  # noqa: FBT001 - a row
    """Neither those that the specification leaves open, nor those whose result is not known."""
    assert grid.is_wrong(expected, observed) == wrong


def test_rows_and_columns_beyond_the_first_are_counted() -> None:
    """Of 30 pods, 20 are drawn."""
    ends = [f"namespace/a-pod-with-a-long-name-{n}" for n in range(30)]
    cells = ["+" * 30] * 30
    drawn = grid.of({"flow": "TCP/80", "rows": ends, "columns": ends, "expected": cells, "observed": cells})
    assert drawn.left_out == 20
    assert len(drawn.pictures[0].rows) == 20
    assert drawn.pictures[0].rows[0].text == "namespace/…ng-name-0"


def test_policies_are_connected_to_peers_and_pods() -> None:
    """An edge per peer of a rule, dashed for egress, and one per selected pod; everybody is a peer, too."""
    rules = [
        {"direction": "Ingress", "peers": ["x/b", "10.0.0.0/8"], "ports": ["TCP/80"]},
        {"direction": "Egress", "peers": [], "ports": []},
        {"direction": "Egress", "peers": ["nobody"], "ports": []},
    ]
    drawn = graph.of([{"key": "x/p", "selects": ["x/a", "x/c"], "rules": rules}])
    assert drawn is not None
    assert sorted(edge.kind for edge in drawn.edges) == ["egress", "ingress", "ingress", "selects", "selects"]
    assert [edge.tip != "" for edge in drawn.edges] == [edge.kind != "selects" for edge in drawn.edges]
    texts = [text for box in drawn.boxes for *_, text in box.lines]
    assert texts == [
        *["x/p", "ingress: TCP/80", "egress: every port", "egress: no rule or peer"],
        *["x/b", "10.0.0.0/8", "everybody", "x/a", "x/c"],
    ]
    assert "x/p selects 2 pods: x/a, x/c; ingress: TCP/80 with x/b, 10.0.0.0/8" in drawn.description
    assert graph.of([]) is None


def test_a_failed_flow_passes_the_devices_of_both_nodes() -> None:
    """Pod, bridge, tunnel and uplink of the client's node, then those of the server's; the worst pair comes first."""
    fact = verdicts.wrong(("+++",) * 3, ("+--", "-++", "+++"), policies=False)
    drawn = route.of(fact, {"bridge": "cni0", "encapsulation": "vxlan"})
    assert drawn is not None
    client = ["x/a", "bridge cni0", "tunnel vxlan", "uplink"]
    assert [[box.text for box in node.boxes] for node in drawn.nodes] == [client, ["x/b", *client[1:]]]
    assert f"It passes {', '.join([*client, 'uplink', 'tunnel vxlan', 'bridge cni0', 'x/b'])}." in drawn.description
    assert drawn.path.count("L") == 7
    assert [(pair.name, pair.right, pair.flows) for pair in drawn.pairs] == [
        ("between n1 and n2", 0, 2),
        ("between n1 and n3", 1, 2),
    ]
    assert drawn.all_right == 4


def test_a_flow_to_the_outside_has_no_tunnel() -> None:
    """Nor has one within a node an uplink; without known nodes there is no picture."""
    fact = verdicts.wrong(("+++",) * 3, ("+-+", "+++", "+++"), policies=False)
    datapath = {"bridge": "cni0", "encapsulation": "vxlan"}
    fact["ends"]["x/b"]["node"] = ""
    outside = route.of(fact, datapath)
    assert outside is not None
    assert [[box.text for box in node.boxes] for node in outside.nodes] == [["x/a", "bridge cni0", "uplink"], ["x/b"]]
    fact["ends"]["x/b"]["node"] = "n1"
    within = route.of(fact, datapath)
    assert within is not None
    assert [[box.text for box in node.boxes] for node in within.nodes] == [["x/a", "bridge cni0", "x/b"]]
    fact["ends"] = {}
    assert route.of(fact, datapath) is None


def test_bars_are_as_long_as_repairs_take() -> None:
    """The bar of traffic is twice as long as that of state; their texts state the remedies."""
    drawn = plots.repairs([FAULT])
    assert drawn is not None
    traffic, state = drawn.bars
    assert traffic.width == 2 * state.width
    assert drawn.description == (
        "F01, traffic: 20.0 s, after a restart of the agent. F01, state: without intervention within 10.00 s."
    )
    assert plots.repairs([]) is None


def test_a_timeline_begins_with_the_longest_outage() -> None:
    """An outage extends from the line of the fault to that of its end; without flows there is no timeline."""
    drawn = plots.timeline(FAULT)
    assert drawn is not None
    answers, outage, other = drawn.bars
    assert (answers.kind, outage.kind, other.kind) == ("answers", "outage", "answers")
    assert (outage.x, outage.x + outage.width) == drawn.marks
    assert outage.y == answers.y < other.y
    assert "20.0 s traffic is back" in [text.text for text in drawn.texts]
    assert plots.timeline({**FAULT, "flows": []}) is None


def test_a_histogram_counts_every_value_once() -> None:
    """Bins have a round width; the highest bar is the one with most values."""
    drawn = plots.histogram([0.1, 0.2, 0.3, 1.2, 7.16])
    assert drawn is not None
    assert drawn.description == "3 from 0 s on, 1 from 1 s on, 1 from 7 s on."
    assert max(drawn.bars, key=lambda bar: bar.height) is drawn.bars[0]
    assert plots.histogram([]) is None
