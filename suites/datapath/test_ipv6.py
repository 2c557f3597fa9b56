"""Pod traffic over IPv6: D19."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from fixtures.probes.flows import to_pod
from fixtures.probes.pods import PORTS
from suites.support.marks import requirement

if TYPE_CHECKING:
    from fixtures.testbed.testbed import Testbed
    from suites.support.expect import Expect


@requirement("D19")
def test_pods_reach_each_other_over_ipv6(testbed: Testbed, expect: Expect) -> None:
    """Over IPv6 every pod reaches every other by TCP, UDP and ping, and is seen with its own address."""
    if "ipv6" not in testbed.topology.families:
        pytest.skip("the cluster has no IPv6; --ip dual or --ip ipv6 gives it")
    expect.flows(
        [
            to_pod(client.key, server, protocol, port, "ipv6", sources=sources)
            for client, server in itertools.permutations(testbed.pods.values(), 2)
            for protocol, port, sources in (
                ("tcp", PORTS[0], frozenset({client.ip("ipv6")})),
                ("udp", PORTS[0], frozenset({client.ip("ipv6")})),
                ("icmp", 0, frozenset()),
            )
        ]
    )
