"""Every check can fail: a break, the requirements it turns red, and named neighbours that stay green."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from fixtures.clusters.protocol import run_on
from fixtures.cnis import install

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.open_lab import OpenLab

pytestmark = pytest.mark.lab

NODE = "node1"
PORTS_OF_CNI0 = "for port in $(ls /sys/class/net/cni0/brif); do bridge link set dev $port hairpin {}; done"
PAUSE_AGENT = "kill -STOP $(pgrep -x flanneld)"  # its five-second resync would repair the rules at once
RESUME_AGENT = "kill -CONT $(pgrep -x flanneld)"


@dataclass(frozen=True)
class Break:
    """One thing that is broken on node1.

    Attributes:
        name: what somebody did, in words.
        inject: shell commands that do it.
        heal: shell commands that undo it.
        red: requirements that have to fail.
        green: neighbours that have to pass.
    """

    name: str
    inject: str
    heal: str
    red: tuple[str, ...]
    green: tuple[str, ...]


BREAKS = [
    Break(
        "route to a peer deleted",
        "ip route del {peer_cidr}",
        "ip route add {peer_cidr} via {peer_vtep} dev flannel.1 onlink",
        red=("D50", "D02"),
        green=("D01", "D52"),
    ),
    Break(
        "forwarding entry of a peer deleted",
        "bridge fdb del {peer_mac} dev flannel.1 dst {peer_ip}",
        "bridge fdb add {peer_mac} dev flannel.1 dst {peer_ip}",
        red=("D52", "D02"),
        green=("D01", "D50"),
    ),
    Break(
        "MTU of cni0 lowered",
        "ip link set cni0 mtu 1400",
        "ip link set cni0 mtu 1450",
        red=("D57", "D12"),
        green=("D01", "D02"),
    ),
    Break(
        "pods believe in a larger MTU and nobody tells them",
        "for port in cni0 $(ls /sys/class/net/cni0/brif); do ip link set $port mtu 1500; done;"
        "for pod in $(ls /run/netns); do ip netns exec $pod ip link set eth0 mtu 1500; done;"
        "iptables -w -I OUTPUT -p icmp --icmp-type fragmentation-needed -j DROP",
        "iptables -w -D OUTPUT -p icmp --icmp-type fragmentation-needed -j DROP;"
        "for pod in $(ls /run/netns); do ip netns exec $pod ip link set eth0 mtu 1450; done;"
        "for port in $(ls /sys/class/net/cni0/brif) cni0; do ip link set $port mtu 1450; done",
        red=("D12", "D13", "D57"),
        green=("D01", "D02"),
    ),
    Break(
        "hairpin mode off",
        PORTS_OF_CNI0.format("off"),
        PORTS_OF_CNI0.format("on"),
        red=("D22",),
        green=("D20", "D21", "D01"),
    ),
    Break(
        "bridge-nf-call-iptables off",
        "sysctl -q -w net.bridge.bridge-nf-call-iptables=0",
        "sysctl -q -w net.bridge.bridge-nf-call-iptables=1",
        red=("D21",),
        green=("D04", "D01"),
    ),
    Break(
        "masquerade rule removed",
        f"{PAUSE_AGENT}; iptables -w -t nat -D FLANNEL-POSTRTG 5",
        "iptables -w -t nat -I FLANNEL-POSTRTG 5 -s 10.244.0.0/16 ! -d 224.0.0.0/4"
        f" -m comment --comment 'flanneld masq' -j MASQUERADE --random-fully; {RESUME_AGENT}",
        red=("D41", "D54"),
        green=("D02", "D06"),
    ),
    Break(
        "stray SNAT between pods",
        "iptables -w -t nat -I POSTROUTING -s 10.244.0.0/16 -d 10.244.0.0/16 -j MASQUERADE",
        "iptables -w -t nat -D POSTROUTING -s 10.244.0.0/16 -d 10.244.0.0/16 -j MASQUERADE",
        red=("D06", "D42"),
        green=("D02", "D41"),
    ),
    Break(
        "another pod answers",
        "iptables -w -t nat -I PREROUTING -d {pod_a} -j DNAT --to {pod_b}",
        "iptables -w -t nat -D PREROUTING -d {pod_a} -j DNAT --to {pod_b}",
        red=("D06",),
        green=("D50", "D40"),
    ),
    Break(
        "subnet.env deleted",
        "mv /run/flannel/subnet.env /run/flannel/subnet.env.gone",
        "mv /run/flannel/subnet.env.gone /run/flannel/subnet.env",
        red=("D56", "D66"),
        green=("D02", "D50"),
    ),
    Break(
        "flanneld killed",
        "kill -KILL $(pgrep -x flanneld)",
        "true",
        red=("D63",),
        green=("D02", "D50"),
    ),
]


def words(lab: OpenLab) -> dict[str, str]:
    """What the commands refer to: node2 as the peer, two pods of node1."""
    testbed = lab.testbed
    peer = next(node for node in testbed.kube.nodes() if node["metadata"]["name"] == "node2")
    annotations = peer["metadata"]["annotations"]
    mac = annotations["flannel.alpha.coreos.com/backend-data"].split('"VtepMAC":"')[1].split('"')[0]
    one, other, *_ = testbed.pods_on(NODE)
    return {
        "peer_cidr": peer["spec"]["podCIDR"],
        "peer_vtep": peer["spec"]["podCIDR"].split("/")[0],
        "peer_mac": mac,
        "peer_ip": testbed.node_ip("node2"),
        "pod_a": one.ip(),
        "pod_b": other.ip(),
    }


@pytest.mark.parametrize("case", BREAKS, ids=lambda case: case.name.replace(" ", "-"))
def test_a_break_turns_its_requirements_red_and_not_its_neighbours(lab: OpenLab, tmp_path: Path, case: Break) -> None:
    """What is broken is named by the requirements it concerns, and its neighbours still pass."""
    names = words(lab)
    run_on(lab.testbed.cluster, NODE, ["sh", "-ec", case.inject.format(**names)])
    try:
        verdicts = lab.certify(tmp_path, "--only", ",".join(case.red + case.green))
    finally:
        run_on(lab.testbed.cluster, NODE, ["sh", "-ec", case.heal.format(**names)])
        install.wait_until_works(lab.testbed.cluster, lab.testbed.kube, lab.testbed.cni)
    assert verdicts == dict.fromkeys(case.red, "failed") | dict.fromkeys(case.green, "passed")


def test_the_healed_lab_passes_again(lab: OpenLab, tmp_path: Path) -> None:
    """After every heal everything passes, but for the restart that cannot be undone."""
    verdicts = lab.certify(tmp_path)
    assert {identity for identity, verdict in verdicts.items() if verdict != "passed"} <= {"D63"}
