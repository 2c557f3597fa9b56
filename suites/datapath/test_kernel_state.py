"""The plugin's audits of each node's kernel state: D50 to D55."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fixtures.clusters.protocol import NODE_COMMANDS
from suites.support.audits import audit
from suites.support.marks import needs, requirement

if TYPE_CHECKING:
    from fixtures.testbed.testbed import Testbed
    from suites.support.expect import Expect

pytestmark = needs(NODE_COMMANDS)


@requirement("D50")
def test_one_correct_route_per_peer(testbed: Testbed, expect: Expect) -> None:
    """Each node has exactly one route to each peer's pod network, with the right next hop, device and flags."""
    audit(testbed, expect, "D50", "routes to peers are missing or wrong")


@requirement("D51")
def test_nothing_left_of_unknown_nodes(testbed: Testbed, expect: Expect) -> None:
    """No overlay route, neighbour or forwarding entry points to a node that does not exist."""
    audit(testbed, expect, "D51", "there is state of nodes that do not exist")


@requirement("D52")
def test_tunnel_addresses_agree_everywhere(testbed: Testbed, expect: Expect) -> None:
    """A node's VTEP address is the same on its device, in its annotation, and in every peer's tables."""
    audit(testbed, expect, "D52", "tunnel addresses do not agree")


@requirement("D53")
def test_the_overlay_device_is_as_documented(testbed: Testbed, expect: Expect) -> None:
    """The overlay device has the type, identifier, port, address and MTU of its backend, and is up."""
    audit(testbed, expect, "D53", "the overlay device is not as documented")


@requirement("D54")
def test_masquerade_and_forward_chains_are_exact(testbed: Testbed, expect: Expect) -> None:
    """The plugin's chains contain exactly its rules, in order, and are jumped to."""
    audit(testbed, expect, "D54", "chains are not as documented")


@requirement("D55")
def test_nftables_tables_only_in_nftables_mode(testbed: Testbed, expect: Expect) -> None:
    """The plugin's nftables tables exist in its nftables mode, and only in that mode."""
    audit(testbed, expect, "D55", "nftables tables are not as the mode says")
