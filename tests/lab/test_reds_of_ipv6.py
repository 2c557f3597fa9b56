"""D19 can fail: what breaks IPv6 alone turns it red and leaves IPv4 green.  Part of `nox -s breaks`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from fixtures.clusters.protocol import run_on
from tests.support.open_lab import opened

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.open_lab import OpenLab

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(os.environ.get("NETPROOF_BREAKS") != "all", reason="a lab of its own: nox -s breaks"),
]


@pytest.fixture(scope="module")
def dual(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenLab]:
    """A lab with both families."""
    with opened(tmp_path_factory.mktemp("dual"), cni="flannel:host-gw", ip="dual") as made:
        yield made


@pytest.mark.parametrize(
    ("inject", "heal"),
    [
        ("ip -6 route del {cidr}", "ip -6 route replace {cidr} via {peer} dev eth0"),
        ("ip6tables -w -I FORWARD -p udp -j DROP", "ip6tables -w -D FORWARD -p udp -j DROP"),
    ],
    ids=["route to a peer deleted", "UDP dropped"],
)
def test_what_breaks_ipv6_turns_d19_red(dual: OpenLab, tmp_path: Path, inject: str, heal: str) -> None:
    """IPv6 fails between pods while IPv4 does not."""
    testbed = dual.testbed
    cidr = next(cidr for cidr in testbed.topology.pod_cidrs(1) if ":" in cidr)
    words = {"cidr": cidr, "peer": testbed.topology.node_ip(1, "ipv6")}
    run_on(testbed.cluster, testbed.nodes[0], ["sh", "-ec", inject.format(**words)])
    try:
        red = dual.certify(tmp_path / "red", "--only", "D19,D08")
    finally:
        run_on(testbed.cluster, testbed.nodes[0], ["sh", "-ec", heal.format(**words)])
    assert red == {"D19": "failed", "D08": "passed"}
    assert dual.certify(tmp_path / "green", "--only", "D19") == {"D19": "passed"}
