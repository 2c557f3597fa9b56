"""A picture of the cluster with the path of a failed flow, and the pairs of nodes between which flows are wrong."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reports.report.grid import is_wrong
from reports.report.texts import shortened
from reports.wrong_fact import NOT_SENT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

NODE_WIDTH, GAP = 160, 20  # pixels
BOX_WIDTH, BOX_HEIGHT, STEP = 140, 28, 46
TOP = 34
OUTSIDE = "outside the cluster"


@dataclass(frozen=True)
class Box:
    """A device, a pod or a host on the path: its left side and top in pixels, and its name."""

    x: int
    y: int
    text: str


@dataclass(frozen=True)
class Node:
    """A node, or the outside: its left side and height in pixels, its name, and the boxes inside."""

    x: int
    height: int
    name: str
    boxes: tuple[Box, ...]


@dataclass(frozen=True)
class Pair:
    """Two nodes, or one, and how many of the flows between their pods are right."""

    name: str
    right: int
    flows: int


@dataclass(frozen=True)
class Route:
    """The picture.

    Attributes:
        title: the flow.
        description: the path and the outcome as text.
        width: in pixels.
        height: in pixels.
        nodes: the node of the client, then that of the server if it is another one.
        path: the path of the flow.
        end: where the flow fails to arrive, or arrives although it is denied: x and y in pixels.
        outcome: what was observed.
        pairs: the pairs of nodes between which flows are wrong.
        all_right: the number of pairs, and of nodes, between and within which all flows are right.
    """

    title: str
    description: str
    width: int
    height: int
    nodes: tuple[Node, ...]
    path: str
    end: tuple[int, int]
    outcome: str
    pairs: tuple[Pair, ...]
    all_right: int


def of(fact: Mapping[str, Any], datapath: Mapping[str, str]) -> Route | None:
    """Return the picture of the first wrong flow of a fact `wrong`; None if no node of a wrong flow is known.

    Args:
        fact: the fact.
        datapath: the bridge and the encapsulation that the plugin declares; {} if not known.
    """
    ends = fact["ends"]
    known = [row for row in fact["cells"] if _node(ends, row["source"]) or _node(ends, row["destination"])]
    different = [row for row in known if _node(ends, row["source"]) != _node(ends, row["destination"])]
    if not known:
        return None
    row = (different or known)[0]
    names = [_node(ends, row["source"]) or OUTSIDE, _node(ends, row["destination"]) or OUTSIDE]
    devices = _devices(datapath, names)
    nodes = _nodes(names, [row["source"], row["destination"]], devices)
    boxes = [*nodes[0].boxes, *(box for node in nodes[1:] for box in reversed(node.boxes))]
    places = [(box.x + BOX_WIDTH // 2, box.y + BOX_HEIGHT // 2) for box in boxes]
    pairs = sorted(_pairs(fact), key=lambda pair: (pair.right / pair.flows, pair.name))
    wrong = tuple(pair for pair in pairs if pair.right < pair.flows)
    return Route(
        f"{row['source']} to {row['destination']}, {row['flow']}",
        f"It passes {', '.join(box.text for box in boxes)}. Expected {row['expected']}, observed {row['observed']}.",
        NODE_WIDTH * len(nodes) + GAP * (len(nodes) - 1) + 2,
        max(node.height for node in nodes) + 46,
        nodes,
        "M" + "L".join(f"{x} {y}" for x, y in places),
        places[-1],
        row["observed"],
        wrong,
        len(pairs) - len(wrong),
    )


def _node(ends: Mapping[str, Any], key: str) -> str:
    return str(ends.get(key, {}).get("node", ""))


def _devices(datapath: Mapping[str, str], names: Sequence[str]) -> list[str]:
    """Return the devices that a packet passes on a node, from the pod on."""
    bridge, tunnel = datapath.get("bridge", ""), datapath.get("encapsulation", "none")
    inside = [f"bridge {bridge}"] if bridge else []
    if names[0] == names[1]:
        return inside or ["routes of the node"]
    tunnelled = tunnel not in {"", "none"} and OUTSIDE not in names
    return [*inside, *([f"tunnel {tunnel}"] if tunnelled else []), "uplink"]


def _nodes(names: Sequence[str], ends: Sequence[str], devices: Sequence[str]) -> tuple[Node, ...]:
    if names[0] == names[1]:
        return (_drawn(0, names[0], [ends[0], *devices, ends[1]] if ends[0] != ends[1] else [ends[0], *devices]),)
    return tuple(
        _drawn(number, name, [end, *(devices if name != OUTSIDE else [])])
        for number, (name, end) in enumerate(zip(names, ends, strict=True))
    )


def _drawn(number: int, name: str, texts: Sequence[str]) -> Node:
    x = 1 + number * (NODE_WIDTH + GAP)
    inset = (NODE_WIDTH - BOX_WIDTH) // 2
    boxes = tuple(Box(x + inset, TOP + STEP * row, shortened(text, 20)) for row, text in enumerate(texts))
    return Node(x, TOP + STEP * len(texts), shortened(name, 22), boxes)


def _pairs(fact: Mapping[str, Any]) -> Iterator[Pair]:
    """Yield the pairs of nodes with the flows of all matrices between their pods."""
    right, flows = Counter[str](), Counter[str]()
    for matrix in fact["matrices"]:
        for source, wanted, seen in zip(matrix["rows"], matrix["expected"], matrix["observed"], strict=True):
            for destination, one, other in zip(matrix["columns"], wanted, seen, strict=True):
                names = sorted({_node(fact["ends"], source), _node(fact["ends"], destination)})
                if one != NOT_SENT and all(names):
                    name = f"within {names[0]}" if len(names) == 1 else f"between {names[0]} and {names[1]}"
                    flows[name] += 1
                    right[name] += not is_wrong(one, other)
    yield from (Pair(name, right[name], flows[name]) for name in flows)
