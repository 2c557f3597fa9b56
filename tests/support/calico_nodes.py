"""Healthy nodes of Calico, made by hand: no lab runs the whole of it.

As measured on kind and written down beside the plugin: a node owns the blocks that it has a blackhole route
for; with VXLAN its tunnel address is in an annotation, on its device, and in its peers' routes and neighbour entries.
"""

from __future__ import annotations

from typing import Any

from fixtures.clusters.topology import Topology
from tests.support.snapshots import Nodes

TUNNEL = "projectcalico.org/IPv4VXLANTunnelAddr"
VXLAN = "vxlan.calico"
CHAINS = ["INPUT", "FORWARD"]
NAT = ["PREROUTING", "POSTROUTING"]
IPTABLES = [
    "*nat",
    *(f"-A {chain} -m comment --comment calico -j cali-{chain}" for chain in NAT),
    "-A PREROUTING -j KUBE-SERVICES",
    "-A cali-nat-outgoing -m set --match-set cali40masq-ipam-pools src -j MASQUERADE --random-fully",
    "COMMIT",
    "*filter",
    *(line for chain in CHAINS for line in (f"-A {chain} -j cali-{chain}", f"-A {chain} -j KUBE-FIREWALL")),
    "COMMIT",
]
NFT = [
    "table ip calico {",
    "\tchain nat-cali-nat-outgoing {",
    "\t\tip saddr @cali40masq-ipam-pools masquerade fully-random",
    "\t}",
    "}",
]


def block(node: str) -> str:
    """The block of addresses that a node owns."""
    return f"10.244.{number(node)}.64/26"


def tunnel(node: str) -> str:
    """The address of a node's tunnel."""
    return f"10.244.{number(node)}.64"


def mac(node: str) -> str:
    """The hardware address of a node's tunnel."""
    return f"66:00:00:00:00:0{number(node)}"


def number(node: str) -> int:
    """A node's number, from 1."""
    return int(node.removeprefix("node"))


def made(choice: str) -> Nodes:
    """Three healthy nodes of a variant."""
    topology = Topology(3)
    names = topology.node_names
    addresses = {name: topology.node_ip(index, "ipv4") for index, name in enumerate(names)}
    vxlan, nft = "vxlan" in choice, choice.endswith("-nft")
    nodes: dict[str, dict[str, Any]] = {}
    for name in names:
        nodes[name] = {
            "links": [_device(addresses[name], mac(name))] if vxlan else [],
            "addresses": [{"ifname": VXLAN, "addr_info": [{"family": "inet", "local": tunnel(name)}]}]
            if vxlan
            else [],
            "routes": [{"type": "blackhole", "dst": block(name), "flags": []}],
            "neighbours": [],
            "fdb": [],
            "iptables": [] if nft else list(IPTABLES),
            "nft": list(NFT) if nft else [],
            "files": {},
        }
        for peer in (other for other in names if other != name):
            nodes[name]["routes"].append(_route(choice, peer, addresses[peer]))
            if vxlan:
                nodes[name]["neighbours"].append(
                    {"dst": tunnel(peer), "dev": VXLAN, "lladdr": mac(peer), "state": ["PERMANENT"]}
                )
                nodes[name]["fdb"].append({"mac": mac(peer), "ifname": VXLAN, "dst": addresses[peer]})
    objects: dict[str, dict[str, Any]] = {
        name: {"metadata": {"name": name, "annotations": {TUNNEL: tunnel(name)} if vxlan else {}}} for name in names
    }
    return Nodes(f"calico-manifest:{choice}", topology, nodes, objects)


def _route(choice: str, peer: str, address: str) -> dict[str, Any]:
    if "vxlan" in choice:
        return {"dst": block(peer), "gateway": tunnel(peer), "dev": VXLAN, "flags": ["onlink"]}
    if choice == "ipip":
        return {"dst": block(peer), "gateway": address, "dev": "tunl0", "flags": ["onlink"]}
    return {"dst": block(peer), "gateway": address, "dev": "eth0", "flags": []}


def _device(address: str, hardware: str) -> dict[str, Any]:
    data = {"id": 4096, "port": 4789, "link": "eth0", "local": address, "learning": False}
    return {
        "ifname": VXLAN,
        "flags": ["BROADCAST", "MULTICAST", "UP", "LOWER_UP"],
        "mtu": 1450,
        "address": hardware,
        "linkinfo": {"info_kind": "vxlan", "info_data": data},
    }
