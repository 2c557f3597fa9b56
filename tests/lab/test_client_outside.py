"""What is said about the way between the client outside and the nodes, before cases rely on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fixtures.clusters.protocol import EXTERNAL_CLIENT, run_on
from fixtures.testbed.external_host import ROUTER, rewritten_sources

if TYPE_CHECKING:
    from tests.support.open_lab import OpenLab

pytestmark = pytest.mark.lab


def test_a_router_that_masquerades_is_found_out(lab: OpenLab) -> None:
    """A masquerading router shows its own address and one that drops shows none; an honest one changes nothing."""
    outside = lab.testbed.topology.outside_ip("ipv4")

    def under(*rule: str) -> dict[str, str]:
        run_on(lab.testbed.cluster, ROUTER, ["iptables", "-w", "-A", *rule])
        try:
            return rewritten_sources(lab.testbed)
        finally:
            run_on(lab.testbed.cluster, ROUTER, ["iptables", "-w", "-D", *rule])

    masqueraded = under("POSTROUTING", "-t", "nat", "-s", outside, "-j", "MASQUERADE")
    assert list(masqueraded) == [outside]
    assert masqueraded[outside] not in {outside, ""}
    assert under("FORWARD", "-s", outside, "-p", "udp", "-j", "DROP") == {outside: ""}
    assert rewritten_sources(lab.testbed) == {}


def test_what_is_changed_on_the_way_is_not_offered(lab: OpenLab) -> None:
    """Cases that need a client outside as itself are run where it is, and where it is not they are unsupported."""
    testbed = lab.testbed
    assert EXTERNAL_CLIENT in testbed.offered
    kept, testbed.changed_clients = testbed.changed_clients, {"203.0.113.10": "203.0.113.1"}
    try:
        assert EXTERNAL_CLIENT not in testbed.offered
    finally:
        testbed.changed_clients = kept
