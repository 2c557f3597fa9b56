"""The questions that the specification leaves open, and profiles: how an implementation answers them.

The clause that leaves a question open names it in policies/clauses.yaml.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class Ambiguity(StrEnum):
    """An open question; yes means what its name says."""

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
"""The specification's own profile: every question is open."""

# What most implementations do that filter packets after address translation.
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
    # A pod that asks its own Service is judged like any other client of it; a name of a port means what it means on
    # each pod, whether a selector or a block names the pod.
    "calico": {
        **PACKET_FILTER,
        Ambiguity.OWN_SERVICE_IS_EXEMPT: False,
        Ambiguity.NAMED_PORT_MATCHES_IN_BLOCK: True,
    },
    # It depends on the policies whether a pod reaches itself by its own Service; pings always get in.
    "kube-router": {
        **{
            question: answer
            for question, answer in PACKET_FILTER.items()
            if question is not Ambiguity.OWN_SERVICE_IS_EXEMPT
        },
        Ambiguity.ICMP_PASSES: True,
    },
}


def definitely(question: Ambiguity, profile: Mapping[Ambiguity, bool]) -> bool:
    """Whether the answer is yes for certain."""
    return profile.get(question, False)


def possibly(question: Ambiguity, profile: Mapping[Ambiguity, bool]) -> bool:
    """Whether the answer may be yes."""
    return profile.get(question, True)
