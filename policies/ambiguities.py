"""Ambiguities of the specification, and profiles: how implementations resolve them.

The clause that leaves an ambiguity names it in policies/clauses.yaml.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class Ambiguity(StrEnum):
    """A yes-or-no ambiguity that the specification leaves to implementations."""

    BLOCK_MATCHES_PODS = "block-matches-pods"
    BLOCK_MATCHES_NODES = "block-matches-nodes"
    BLOCK_BEFORE_TRANSLATION = "block-before-translation"  # an egress ipBlock is compared with the Service's address
    HOST_NETWORK_PODS_ARE_SUBJECTS = "host-network-pods-are-subjects"
    HOST_NETWORK_PODS_ARE_PEERS = "host-network-pods-are-peers"
    NAMED_PORT_MATCHES_OUTSIDE = "named-port-matches-outside"  # in a rule without peers
    NAMED_PORT_MATCHES_IN_BLOCK = "named-port-matches-in-block"  # egress to a pod whose address a block holds
    OWN_SERVICE_IS_EXEMPT = "own-service-is-exempt"
    ICMP_PASSES = "icmp-passes"  # a pod that is isolated for ingress answers pings


OPEN: Mapping[Ambiguity, bool] = {}
"""The profile of the specification: it resolves nothing."""

# Most implementations that filter packets after address translation.
PACKET_FILTER: Mapping[Ambiguity, bool] = {
    Ambiguity.BLOCK_MATCHES_PODS: True,
    Ambiguity.BLOCK_MATCHES_NODES: True,
    Ambiguity.HOST_NETWORK_PODS_ARE_SUBJECTS: False,
    Ambiguity.HOST_NETWORK_PODS_ARE_PEERS: False,
    Ambiguity.NAMED_PORT_MATCHES_OUTSIDE: False,
    Ambiguity.NAMED_PORT_MATCHES_IN_BLOCK: False,
    Ambiguity.OWN_SERVICE_IS_EXEMPT: True,
    Ambiguity.BLOCK_BEFORE_TRANSLATION: False,
    Ambiguity.ICMP_PASSES: False,
}

PROFILES: Mapping[str, Mapping[Ambiguity, bool]] = {
    "specification": OPEN,
    "packet-filter": PACKET_FILTER,
    # A pod that connects to its own Service is judged like any other client; a named port is resolved on each pod,
    # matched by a selector or by a block.
    "calico": {
        **PACKET_FILTER,
        Ambiguity.OWN_SERVICE_IS_EXEMPT: False,
        Ambiguity.NAMED_PORT_MATCHES_IN_BLOCK: True,
    },
    # Whether a pod reaches itself through its own Service depends on the policies; pings always pass.
    "kube-router": {
        **{
            ambiguity: answer
            for ambiguity, answer in PACKET_FILTER.items()
            if ambiguity is not Ambiguity.OWN_SERVICE_IS_EXEMPT
        },
        Ambiguity.ICMP_PASSES: True,
    },
}


def definitely(ambiguity: Ambiguity, profile: Mapping[Ambiguity, bool]) -> bool:
    """Whether a profile resolves an ambiguity to yes."""
    return profile.get(ambiguity, False)


def possibly(ambiguity: Ambiguity, profile: Mapping[Ambiguity, bool]) -> bool:
    """Whether a profile resolves an ambiguity to yes, or leaves it open."""
    return profile.get(ambiguity, True)
