"""Nodes' kernel state as files under tests/data/nodes, and edits of it for the tests of audits."""

from __future__ import annotations

import copy
import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from fixtures import paths
from fixtures.clusters.topology import Topology
from fixtures.cnis import audits, catalogue
from fixtures.cnis.node_state import NodeState, Snapshot
from policies.families import Family

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = paths.ROOT / "tests" / "data" / "nodes"
TABLES = ("links", "addresses", "routes", "routes6", "neighbours", "fdb")  # what iproute2 prints as JSON
TEXTS = ("iptables", "ip6tables", "nft")


def path_of(name: str) -> Path:
    """The file of a snapshot."""
    return FOLDER / f"{name}.json"


def dump(snapshot: Snapshot) -> dict[str, Any]:
    """A snapshot as JSON, less what no audit reads: pods' ports, kube-proxy's chains, most of the Node objects."""
    return {
        "cni": str(snapshot.cni),
        "topology": asdict(snapshot.topology),
        "nodes": {name: _node(state) for name, state in snapshot.nodes.items()},
        "objects": {name: _object(item) for name, item in snapshot.objects.items()},
    }


def _node(state: NodeState) -> dict[str, Any]:
    tables = {name: [row for row in state.table(name) if not _is_port(row)] for name in TABLES}
    tables["links"] = [_link(row) for row in tables["links"]]
    tables["addresses"] = [{key: row[key] for key in ("ifname", "addr_info")} for row in tables["addresses"]]
    texts = {name: _rules(state.raw[name]) for name in TEXTS[:2]} | {"nft": _nft_tables(state.raw["nft"])}
    return {**tables, **texts, "files": state.files}


def _is_port(row: dict[str, Any]) -> bool:
    """Whether a row is about a pod's end, which is called veth… on the node, or about loopback."""
    device = str(row.get("ifname") or row.get("dev") or "")
    return device == "lo" or device.startswith("veth") or row.get("type") == "multicast"


def _link(row: dict[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {key: row[key] for key in ("ifname", "flags", "mtu", "address", "linkinfo") if key in row}
    if kept.get("linkinfo", {}).get("info_kind") == "bridge":
        kept["linkinfo"] = {"info_kind": "bridge"}
    return kept


def _rules(text: str) -> list[str]:
    """The lines of iptables-save less comments, counters, and what is kube-proxy's alone."""
    return [line for line in text.splitlines() if not line.startswith(("#", ":KUBE", "-A KUBE"))]


def _nft_tables(text: str) -> list[str]:
    """The lines of the tables that are neither kube-proxy's nor those of iptables-nft."""
    kept: list[str] = []
    keep = False
    for line in text.splitlines():
        if line.startswith("table "):
            keep = any(word in line for word in ("flannel", "calico"))
        if keep:
            kept.append(line)
    return kept


def _object(item: dict[str, Any]) -> dict[str, Any]:
    metadata = item["metadata"]
    return {
        "metadata": {"name": metadata["name"], "annotations": metadata.get("annotations", {})},
        "spec": {"podCIDRs": item["spec"].get("podCIDRs", [])},
    }


@dataclass
class Nodes:
    """A recorded cluster that a test edits, and the audits of its plugin.

    Attributes:
        cni: plugin and variant.
        topology: the shape.
        nodes: node → table or text → rows or lines, and the files.
        objects: node → its Node object.
    """

    cni: str
    topology: Topology
    nodes: dict[str, dict[str, Any]]
    objects: dict[str, dict[str, Any]]

    def rows(self, node: str, table: str, **wanted: object) -> list[dict[str, Any]]:
        """The rows of a node's table that have all of these values; never none."""
        found = [row for row in self.nodes[node][table] if all(row.get(k) == v for k, v in wanted.items())]
        assert found, f"no row of {node}'s {table} has {wanted}"
        return found

    def remove(self, node: str, table: str, **wanted: object) -> None:
        """Delete those rows."""
        for row in self.rows(node, table, **wanted):
            self.nodes[node][table].remove(row)

    def snapshot(self) -> Snapshot:
        """What audits read."""
        states = {}
        for name, node in self.nodes.items():
            raw = {table: json.dumps(node.get(table, [])) for table in TABLES}
            raw |= {text: "\n".join(node.get(text, [])) for text in TEXTS}
            states[name] = NodeState(name, raw, dict(node["files"]))
        return Snapshot(self.topology, catalogue.find(self.cni), states, self.objects)

    def findings(self) -> list[str]:
        """What the plugin's audits find, as `testbed.findings` does on a cluster."""
        snapshot = self.snapshot()
        return audits.load(snapshot.cni).findings(snapshot)

    def placeholders(self, node: str) -> dict[str, str]:
        """The values of the plugin's placeholders for faults on a node."""
        snapshot = self.snapshot()
        return {str(k): v for k, v in audits.load(snapshot.cni).placeholders(snapshot, node).items()}

    def with_variant(self, choice: str) -> Nodes:
        """The same nodes, judged as another variant."""
        return replace(copy.deepcopy(self), cni=choice)


def load(name: str) -> Nodes:
    """A recorded cluster."""
    data = json.loads(path_of(name).read_text())
    shape: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in data["topology"].items()
    }
    shape["families"] = tuple(map(Family, shape["families"]))
    return Nodes(data["cni"], Topology(**shape), data["nodes"], data["objects"])
