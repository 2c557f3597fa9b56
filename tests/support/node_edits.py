"""Edits of recorded nodes: an entry in a table of node1 that is missing, changed, or added."""

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
MAC = "02:00:00:00:00:55"  # of no device
NETWORK = "10.244.0.0/16"


def mac_of(nodes: Nodes, node: str, family: str = "ipv4") -> str:
    """Return the MAC address of a node's tunnel device."""
    device = DEVICE if family == "ipv4" else "flannel-v6.1"
    return str(nodes.rows(node, "links", ifname=device)[0]["address"])


def change(table: str, match: dict[str, Any], **values: Any) -> Edit:  # noqa: ANN401 - JSON
    """Return an edit that sets values in rows of a table of node1.

    Args:
        table: e.g. links or routes.
        match: column → value of the rows to change; "{mac}" stands for the MAC address of node2's tunnel.
        values: column → new value.
    """

    def edit(nodes: Nodes) -> None:
        for row in nodes.rows("node1", table, **_resolved(nodes, match)):
            row.update(values)

    return edit


def remove(table: str, **match: Any) -> Edit:  # noqa: ANN401 - JSON
    """Return an edit that removes rows from a table of node1; match is that of `change`."""

    def edit(nodes: Nodes) -> None:
        nodes.remove("node1", table, **_resolved(nodes, match))

    return edit


def add(table: str, **row: Any) -> Edit:  # noqa: ANN401 - JSON
    """Return an edit that adds a row to a table of node1."""
    return lambda nodes: nodes.nodes["node1"][table].append(row)


def _resolved(nodes: Nodes, match: dict[str, Any]) -> dict[str, Any]:
    """Replace the placeholder {mac}."""
    return {key: mac_of(nodes, "node2") if value == "{mac}" else value for key, value in match.items()}
