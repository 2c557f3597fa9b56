"""What the specification leaves open, and profiles that say how an implementation answers."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class Question(StrEnum):
    """An open question; its clause says who answers how."""

    BLOCK_MATCHES_PODS = "block-matches-pods"  # 25
    BLOCK_MATCHES_NODES = "block-matches-nodes"  # 48
    BLOCK_BEFORE_TRANSLATION = "block-before-translation"  # 27, 53
    HOST_NETWORK_PODS_ARE_SUBJECTS = "host-network-pods-are-subjects"  # 22
    HOST_NETWORK_PODS_ARE_PEERS = "host-network-pods-are-peers"  # 22
    NAMED_PORT_MATCHES_OUTSIDE = "named-port-matches-outside"  # 37
    NAMED_PORT_MATCHES_IN_BLOCK = "named-port-matches-in-block"  # 37: egress to a pod whose address a block holds
    OWN_SERVICE_IS_EXEMPT = "own-service-is-exempt"  # 50
    ICMP_PASSES = "icmp-passes"  # 45: a closed pod answers pings


CLAUSE = {
    Question.BLOCK_MATCHES_PODS: 25,
    Question.BLOCK_MATCHES_NODES: 48,
    Question.BLOCK_BEFORE_TRANSLATION: 53,
    Question.HOST_NETWORK_PODS_ARE_SUBJECTS: 22,
    Question.HOST_NETWORK_PODS_ARE_PEERS: 22,
    Question.NAMED_PORT_MATCHES_OUTSIDE: 37,
    Question.NAMED_PORT_MATCHES_IN_BLOCK: 37,
    Question.OWN_SERVICE_IS_EXEMPT: 50,
    Question.ICMP_PASSES: 45,
}

OPEN: Mapping[Question, bool] = {}
"""The specification's own profile: every question is open."""

# What most implementations do that filter packets after address translation (clauses 22, 25, 50).
PACKET_FILTER: Mapping[Question, bool] = {
    Question.BLOCK_MATCHES_PODS: True,
    Question.BLOCK_MATCHES_NODES: True,
    Question.HOST_NETWORK_PODS_ARE_SUBJECTS: False,
    Question.HOST_NETWORK_PODS_ARE_PEERS: False,
    Question.NAMED_PORT_MATCHES_OUTSIDE: False,
    Question.NAMED_PORT_MATCHES_IN_BLOCK: False,
    Question.OWN_SERVICE_IS_EXEMPT: True,
    Question.BLOCK_BEFORE_TRANSLATION: False,
    Question.ICMP_PASSES: False,
}

PROFILES: Mapping[str, Mapping[Question, bool]] = {
    "specification": OPEN,
    "packet-filter": PACKET_FILTER,
    # A pod that asks its own Service is judged like any other client of it; a name of a port means what it means on
    # each pod, whether a selector or a block names the pod.
    "calico": {
        **PACKET_FILTER,
        Question.OWN_SERVICE_IS_EXEMPT: False,
        Question.NAMED_PORT_MATCHES_IN_BLOCK: True,
    },
    # It depends on the policies whether a pod reaches itself by its own Service; pings always get in.
    "kube-router": {
        **{
            question: answer
            for question, answer in PACKET_FILTER.items()
            if question is not Question.OWN_SERVICE_IS_EXEMPT
        },
        Question.ICMP_PASSES: True,
    },
}


def sure(question: Question, profile: Mapping[Question, bool]) -> bool:
    """Whether the answer is yes for certain."""
    return profile.get(question, False)


def possible(question: Question, profile: Mapping[Question, bool]) -> bool:
    """Whether the answer may be yes."""
    return profile.get(question, True)
