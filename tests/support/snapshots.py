"""Load and edit recordings of nodes' kernel state (tests/data/nodes) for tests of audits."""

from __future__ import annotations

import copy
import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import msgspec

from fixtures import paths
from fixtures.clusters.topology import Topology
from fixtures.cnis import audits, catalogue
from fixtures.cnis.node_state import NodeState, Snapshot

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = paths.ROOT / "tests" / "data" / "nodes"
TABLES = ("links", "addresses", "routes", "routes6", "neighbours", "fdb")  # JSON of iproute2
TEXTS = ("iptables", "ip6tables", "nft")


def path_of(name: str) -> Path:
    """Return the file of a recording."""
    return FOLDER / f"{name}.json"


def dump(snapshot: Snapshot) -> dict[str, Any]:
    """Convert a snapshot to JSON, omitting what no audit reads: veths, kube-proxy's chains, most of Node objects."""
    return {
        "cni": str(snapshot.cni),
        "topology": asdict(snapshot.topology),
        "nodes": {name: _node(state) for name, state in snapshot.nodes.items()},
        "objects": {name: _object(item) for name, item in snapshot.objects.items()},
    }


def _node(state: NodeState) -> dict[str, Any]:
    tables = {name: [row for row in state.table(name) if not _is_irrelevant(row)] for name in TABLES}
    tables["links"] = [_link(row) for row in tables["links"]]
    tables["addresses"] = [{key: row[key] for key in ("ifname", "addr_info")} for row in tables["addresses"]]
    texts = {name: _rules(state.raw[name]) for name in TEXTS[:2]} | {"nft": _nft_tables(state.raw["nft"])}
    return {**tables, **texts, "files": state.files}


def _is_irrelevant(row: dict[str, Any]) -> bool:
    """Return whether a row is about a pod's veth, about loopback, or a multicast route."""
    device = str(row.get("ifname") or row.get("dev") or "")
    return device == "lo" or device.startswith("veth") or row.get("type") == "multicast"


def _link(row: dict[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {key: row[key] for key in ("ifname", "flags", "mtu", "address", "linkinfo") if key in row}
    if kept.get("linkinfo", {}).get("info_kind") == "bridge":
        kept["linkinfo"] = {"info_kind": "bridge"}
    return kept


def _rules(text: str) -> list[str]:
    """Return the lines of iptables-save without comments and without chains of kube-proxy."""
    return [line for line in text.splitlines() if not line.startswith(("#", ":KUBE", "-A KUBE"))]


def _nft_tables(text: str) -> list[str]:
    """Return the lines of the nftables tables that belong to a plugin."""
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
    """The recorded nodes of a cluster, which tests edit and audit.

    Attributes:
        cni: plugin and variant.
        topology: the shape of the cluster.
        nodes: node → {name in TABLES: rows, name in TEXTS: lines, "files": path → content}.
        objects: node → its Node object.
    """

    cni: str
    topology: Topology
    nodes: dict[str, dict[str, Any]]
    objects: dict[str, dict[str, Any]]

    def rows(self, node: str, table: str, **match: object) -> list[dict[str, Any]]:
        """Return the rows of a node's table that have all of these values; there has to be one."""
        found = [row for row in self.nodes[node][table] if all(row.get(k) == v for k, v in match.items())]
        assert found, f"no row of {node}'s {table} has {match}"
        return found

    def remove(self, node: str, table: str, **match: object) -> None:
        """Delete the rows of a node's table that have all of these values."""
        for row in self.rows(node, table, **match):
            self.nodes[node][table].remove(row)

    def snapshot(self) -> Snapshot:
        """Return the nodes as a snapshot, the input of audits."""
        states = {}
        for name, node in self.nodes.items():
            raw = {table: json.dumps(node.get(table, [])) for table in TABLES}
            raw |= {text: "\n".join(node.get(text, [])) for text in TEXTS}
            states[name] = NodeState(name, raw, dict(node["files"]))
        return Snapshot(self.topology, catalogue.find(self.cni), states, self.objects)

    def findings(self) -> list[str]:
        """Run the plugin's audits, as `testbed.findings` does on a cluster."""
        snapshot = self.snapshot()
        return audits.load(snapshot.cni).findings(snapshot)

    def placeholders(self, node: str) -> dict[str, str]:
        """Return the values of the plugin's placeholders for faults on a node."""
        snapshot = self.snapshot()
        return {str(k): v for k, v in audits.load(snapshot.cni).placeholders(snapshot, node).items()}

    def with_variant(self, choice: str) -> Nodes:
        """Return a copy of the nodes that is audited as plugin:variant."""
        return replace(copy.deepcopy(self), cni=choice)


def load(name: str) -> Nodes:
    """Load a recording."""
    data = json.loads(path_of(name).read_text())
    return Nodes(data["cni"], msgspec.convert(data["topology"], Topology), data["nodes"], data["objects"])
