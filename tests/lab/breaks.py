"""The breaks of breaks.yaml, and their own placeholders beside those of faults."""

from __future__ import annotations

from enum import StrEnum
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from fixtures.faults import injection
from fixtures.testbed import services
from policies import datafile

if TYPE_CHECKING:
    from fixtures.testbed.testbed import Testbed

TABLE = Path(__file__).parent / "breaks.yaml"


class Break(Struct, frozen=True, forbid_unknown_fields=True):
    """One thing that is broken on a node: a row of breaks.yaml.

    Attributes:
        name: the event that it simulates.
        inject: shell commands that cause it.
        heal: shell commands that undo it.
        red: requirements that have to fail.
        green: neighbours that have to pass.
        node: where.
        ci: whether it is tried on every commit.
        objects: API objects that are created after inject, and deleted before heal.
        patch: annotations that the node gets.
    """

    name: str
    inject: str
    heal: str
    red: tuple[str, ...]
    green: tuple[str, ...]
    node: str = "node1"
    ci: bool = False
    objects: tuple[dict[str, Any], ...] = ()
    patch: dict[str, str] = {}


class Own(StrEnum):
    """Placeholders of breaks alone."""

    OWN_CIDR = "own_cidr"  # the node's pod CIDR
    OWN_MAC = "own_mac"  # of the node's overlay device
    PEER_POD = "peer_pod"  # a pod of the next node
    POD_A = "pod_a"  # two pods of the node
    POD_B = "pod_b"
    BEFORE_POD_A = "before_pod_a"  # the address before pod_a's
    NEXT_IP = "next_ip"  # the range of the node's addresses that no pod has yet
    LAST_IP = "last_ip"
    EXTERNAL_HOST = "external_host"
    ENDPOINT_POD = "endpoint_pod"  # the pod behind the Services `local` and `inside`
    INSIDE_CLUSTER_IP = "inside_cluster_ip"  # ClusterIP of the Service `inside`
    LOCAL_NODE_PORT = "local_node_port"  # node port of the Service `local`


def load() -> list[Break]:
    """Every row of breaks.yaml.

    Raises:
        BadFileError: a row has a wrong field; the message has its line.
    """
    return datafile.read(TABLE, list[Break], "tests/lab/breaks.yaml")


def placeholders(testbed: Testbed, node: str) -> dict[str, str]:
    """The values of all placeholders, as seen from a node of flannel:vxlan."""
    kinds = services.Services(testbed)
    cidr = testbed.topology.pod_cidr(testbed.nodes.index(node), "ipv4")
    peer = next(other for other in testbed.nodes if other != node)
    device = testbed.snapshot().nodes[node].link("flannel.1") or {}
    used = sorted(ip_address(pod.ip()) for pod in testbed.pods_on(node))
    first, second = (pod.ip() for pod in testbed.pods_on(node)[:2])
    return {
        **{str(name): value for name, value in injection.placeholders(testbed, node).items()},
        Own.OWN_CIDR: cidr,
        Own.OWN_MAC: str(device.get("address", "")),
        Own.PEER_POD: testbed.pods_on(peer)[0].ip(),
        Own.POD_A: first,
        Own.POD_B: second,
        Own.BEFORE_POD_A: str(ip_address(first) - 1),
        Own.NEXT_IP: str(used[-1] + 1),
        Own.LAST_IP: str(ip_network(cidr)[250]),
        Own.EXTERNAL_HOST: testbed.topology.outside_ip("ipv4"),
        Own.ENDPOINT_POD: kinds.endpoint.ip(),
        Own.INSIDE_CLUSTER_IP: kinds.cluster_ip("inside", "ipv4"),
        Own.LOCAL_NODE_PORT: str(kinds.node_port("local", "tcp")),
    }
