"""Encapsulation on the wire between nodes: D48."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fixtures.clusters.protocol import NODE_COMMANDS
from fixtures.cnis.catalogue import DECLARED_ENCAPSULATION
from fixtures.cnis.node_state import Finding
from fixtures.probes.flows import to_pod
from fixtures.probes.pods import PORTS
from suites.support.captures import Captures
from suites.support.marks import needs, requirement

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fixtures.probes.pods import ProbePod
    from fixtures.testbed.testbed import Testbed
    from suites.support.expect import Expect


def seen_on_the_wire(captures: Captures, client: ProbePod, server: ProbePod, family: str) -> set[str]:
    """The encapsulations of a pair's packets as they left the client's node: the outermost protocol, or "bare"."""
    pair = (client.ip(family), server.ip(family))
    seen = set()
    for packet in captures.leaving(client.node):
        outer, *inner = packet.headers
        if outer.pair == pair:
            seen.add("bare")
        elif any(header.pair == pair for header in inner):
            seen.add(outer.protocol)
    return seen


def unlike_declared(
    testbed: Testbed, captures: Captures, pairs: list[tuple[ProbePod, ProbePod]], family: str
) -> Iterator[Finding]:
    """The pairs whose packets are not encapsulated as the variant declares."""
    encapsulation = testbed.cni.variant.encapsulation
    for client, server in pairs:
        expected = {encapsulation} if testbed.encapsulated(client.node, server.node) else {"bare"}
        seen = seen_on_the_wire(captures, client, server, family)
        if encapsulation == "wireguard":  # the inner packet is encrypted, so it must not be seen at all
            expected = set()
        if seen != expected:
            what = f"packets {client.key} → {server.key}"
            yield Finding(client.node, what, " and ".join(expected) or "unseen", " and ".join(sorted(seen)) or "none")


@requirement("D48")
@needs(NODE_COMMANDS, DECLARED_ENCAPSULATION)
def test_packets_are_on_the_wire_as_declared(testbed: Testbed, expect: Expect, family: str) -> None:
    """Between every two nodes, pod packets are encapsulated exactly if the variant declares it."""
    first = [testbed.pods_on(node)[0] for node in testbed.nodes]
    pairs = [(client, server) for client in first for server in first if client.node != server.node]
    with Captures(testbed, f"D48-{family}") as captures:
        expect.flows([to_pod(c.key, s, "udp", PORTS[2], family) for c, s in pairs])
    expect.nothing(unlike_declared(testbed, captures, pairs, family), "packets are not on the wire as declared")
