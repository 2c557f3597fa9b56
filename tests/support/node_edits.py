"""Edits of recorded nodes: one thing on node1 that is missing, different, or too many."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.support.snapshots import Nodes

Edit = Callable[[Nodes], object]
DEVICE = "flannel.1"
SUBNET_ENV = "/run/flannel/subnet.env"
CIDR = "10.244.2.0/24"  # node2's pod network
VTEP = "10.244.2.0"
NODE2 = "192.0.2.12"
MAC = "02:00:00:00:00:55"  # nobody's
NETWORK = "10.244.0.0/16"


def mac_of(nodes: Nodes, node: str, family: str = "ipv4") -> str:
    """The hardware address of a node's tunnel, as its device has it."""
    device = DEVICE if family == "ipv4" else "flannel-v6.1"
    return str(nodes.rows(node, "links", ifname=device)[0]["address"])


def change(table: str, wanted: dict[str, Any], **values: Any) -> Edit:  # noqa: ANN401 - JSON
    """Other values in the rows of node1's table that have the wanted ones; {mac} stands for node2's tunnel."""

    def edit(nodes: Nodes) -> None:
        named = {key: mac_of(nodes, "node2") if value == "{mac}" else value for key, value in wanted.items()}
        for row in nodes.rows("node1", table, **named):
            row.update(values)

    return edit


def remove(table: str, **wanted: Any) -> Edit:  # noqa: ANN401 - JSON
    """Those rows gone."""

    def edit(nodes: Nodes) -> None:
        named = {key: mac_of(nodes, "node2") if value == "{mac}" else value for key, value in wanted.items()}
        nodes.remove("node1", table, **named)

    return edit


def add(table: str, **row: Any) -> Edit:  # noqa: ANN401 - JSON
    """One row more in node1's table."""
    return lambda nodes: nodes.nodes["node1"][table].append(row)
