"""State of healthy nodes with Calico, composed by hand, because no lab runs all of Calico.

The state is that of nodes of kind, as the audit of the plugin describes it: a node owns the blocks for which it has a
blackhole route. With VXLAN, its tunnel address is in an annotation of its Node object, on its device, and in the
routes and neighbour entries of its peers.
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
    """Return the address block (CIDR) that a node owns."""
    return f"10.244.{number(node)}.64/26"


def tunnel(node: str) -> str:
    """Return the IPv4 address of a node's tunnel device."""
    return f"10.244.{number(node)}.64"


def mac(node: str) -> str:
    """Return the MAC address of a node's tunnel device."""
    return f"66:00:00:00:00:0{number(node)}"


def number(node: str) -> int:
    """Return the number in a node's name, starting with 1."""
    return int(node.removeprefix("node"))


def healthy(variant: str) -> Nodes:
    """Compose three healthy nodes of a variant of calico-manifest."""
    topology = Topology(3)
    names = topology.node_names
    addresses = {name: topology.node_ip(index, "ipv4") for index, name in enumerate(names)}
    vxlan, nft = "vxlan" in variant, variant.endswith("-nft")
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
            nodes[name]["routes"].append(_route(variant, peer, addresses[peer]))
            if vxlan:
                nodes[name]["neighbours"].append(
                    {"dst": tunnel(peer), "dev": VXLAN, "lladdr": mac(peer), "state": ["PERMANENT"]}
                )
                nodes[name]["fdb"].append({"mac": mac(peer), "ifname": VXLAN, "dst": addresses[peer]})
    objects: dict[str, dict[str, Any]] = {
        name: {"metadata": {"name": name, "annotations": {TUNNEL: tunnel(name)} if vxlan else {}}} for name in names
    }
    return Nodes(f"calico-manifest:{variant}", topology, nodes, objects)


def _route(variant: str, peer: str, address: str) -> dict[str, Any]:
    if "vxlan" in variant:
        return {"dst": block(peer), "gateway": tunnel(peer), "dev": VXLAN, "flags": ["onlink"]}
    if variant == "ipip":
        return {"dst": block(peer), "gateway": address, "dev": "tunl0", "flags": ["onlink"]}
    return {"dst": block(peer), "gateway": address, "dev": "eth0", "flags": []}


def _device(address: str, mac_address: str) -> dict[str, Any]:
    data = {"id": 4096, "port": 4789, "link": "eth0", "local": address, "learning": False}
    return {
        "ifname": VXLAN,
        "flags": ["BROADCAST", "MULTICAST", "UP", "LOWER_UP"],
        "mtu": 1450,
        "address": mac_address,
        "linkinfo": {"info_kind": "vxlan", "info_data": data},
    }
