"""A picture of policies as a graph: peers on the left, policies with their rules, the selected pods on the right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from policies.model import INGRESS
from policies.relations import NOBODY
from reports.report.texts import plural, shortened

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ROW = 26  # pixels between boxes and between lines of a policy
HEIGHT = 20  # of a box
LEFT, MIDDLE, RIGHT = 10, 250, 570  # where the columns begin, in pixels
END_WIDTH, POLICY_WIDTH = 150, 230
WIDTH = RIGHT + END_WIDTH + 10
MOST_POLICIES, MOST_ENDS = 12, 24
EVERYBODY = "everybody"


@dataclass(frozen=True)
class Box:
    """A box with lines of text; a policy has a line per rule below its name.

    Attributes:
        x: its left side, in pixels.
        y: its top.
        width: its width.
        height: its height.
        lines: (x, baseline, text).
        is_policy: whether it is a policy.
    """

    x: int
    y: int
    width: int
    height: int
    lines: tuple[tuple[int, int, str], ...]
    is_policy: bool


@dataclass(frozen=True)
class Edge:
    """A line between two boxes.

    Attributes:
        path: its path.
        kind: selects, ingress or egress.
        tip: the path of its arrowhead; "" for none.
    """

    path: str
    kind: str
    tip: str = ""


@dataclass(frozen=True)
class Graph:
    """The picture.

    Attributes:
        description: the same as text.
        width: in pixels.
        height: in pixels.
        boxes: peers, policies, and selected pods.
        edges: from peers to rules (ingress), from rules to peers (egress), from policies to the pods they select.
        left_out: number of policies that are not drawn.
    """

    description: str
    width: int
    height: int
    boxes: tuple[Box, ...]
    edges: tuple[Edge, ...]
    left_out: int


def of(policies: Sequence[Mapping[str, Any]]) -> Graph | None:
    """Return the picture of the policies of a fact `wrong`; None if there are none."""
    if not policies:
        return None
    drawn = policies[:MOST_POLICIES]
    peers = _ends(peer for policy in drawn for rule in policy["rules"] for peer in _peers(rule))
    pods = _ends(pod for policy in drawn for pod in policy["selects"])
    boxes, edges, y = [], [], 10
    for policy in drawn:
        boxes.append(_policy(policy, y))
        selected = (pods[pod] for pod in policy["selects"] if pod in pods)
        edges += [Edge(_curve(MIDDLE + POLICY_WIDTH, y + 10, RIGHT, centre), "selects") for centre in selected]
        edges += _rules(policy, y, peers)
        y += ROW * (1 + len(policy["rules"])) + 8
    boxes += [_end(LEFT, place, text) for text, place in peers.items()]
    boxes += [_end(RIGHT, place, text) for text, place in pods.items()]
    height = max(box.y + box.height for box in boxes) + 10
    described = " ".join(map(_sentence, drawn))
    return Graph(described, WIDTH, height, tuple(boxes), tuple(edges), len(policies) - len(drawn))


def _ends(keys: Iterator[str]) -> dict[str, int]:
    """Return the vertical centre of the box of each pod or peer."""
    names = list(dict.fromkeys(keys))[:MOST_ENDS]
    return {name: 20 + ROW * number for number, name in enumerate(names)}


def _policy(policy: Mapping[str, Any], y: int) -> Box:
    texts = [policy["key"], *map(_rule, policy["rules"])]
    lines = tuple((MIDDLE + 8, y + 15 + ROW * number, shortened(text, 34)) for number, text in enumerate(texts))
    return Box(MIDDLE, y, POLICY_WIDTH, ROW * len(texts) - 4, lines, is_policy=True)


def _peers(rule: Mapping[str, Any]) -> list[str]:
    """Return the peers of a rule that are drawn: none for a rule that admits nobody."""
    return [] if rule["peers"] == [NOBODY] else rule["peers"] or [EVERYBODY]


def _rule(rule: Mapping[str, Any]) -> str:
    ports = ", ".join(rule["ports"]) or "every port"
    return f"{rule['direction'].lower()}: {'no rule or peer' if rule['peers'] == [NOBODY] else ports}"


def _end(x: int, centre: int, text: str) -> Box:
    line = (x + 8, centre + 5, shortened(text, 22))
    return Box(x, centre - HEIGHT // 2, END_WIDTH, HEIGHT, (line,), is_policy=False)


def _rules(policy: Mapping[str, Any], y: int, peers: Mapping[str, int]) -> Iterator[Edge]:
    for number, rule in enumerate(policy["rules"], 1):
        for peer in _peers(rule):
            if peer in peers:
                left, right = (LEFT + END_WIDTH, peers[peer]), (MIDDLE, y + 10 + ROW * number)
                is_ingress = rule["direction"] == INGRESS
                tip = f"M{right[0]} {right[1]}l-7-4v8z" if is_ingress else f"M{left[0]} {left[1]}l7-4v8z"
                yield Edge(_curve(*left, *right), rule["direction"].lower(), tip)


def _curve(x1: int, y1: int, x2: int, y2: int) -> str:
    middle = (x1 + x2) // 2
    return f"M{x1} {y1}C{middle} {y1} {middle} {y2} {x2} {y2}"


def _sentence(policy: Mapping[str, Any]) -> str:
    rules = "; ".join(f"{_rule(rule)} with {', '.join(rule['peers']) or EVERYBODY}" for rule in policy["rules"])
    return f"{policy['key']} selects {plural(len(policy['selects']), 'pod')}: {', '.join(policy['selects'])}; {rules}."
