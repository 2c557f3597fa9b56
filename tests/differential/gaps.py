"""Known errors of the analyzer: predicates for the flows that it decides wrongly."""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from policies import datafile
from policies.model import EGRESS, INGRESS, PodPeer

if TYPE_CHECKING:
    from policies.model import World

    Flow = tuple[str, str, str, int]

TABLE = Path(__file__).with_name("gaps.yaml")
TYPES = (INGRESS, EGRESS)


def named_twice(world: World, flow: Flow) -> bool:
    """Return whether the server declares the name of the flow's port more than once."""
    _, destination, protocol, port = flow
    declared = next(pod.ports for pod in world.pods if pod.key == destination)
    counts = Counter(entry.name for entry in declared)
    return any((entry.protocol, entry.number) == (protocol, port) and counts[entry.name] > 1 for entry in declared)


def key_elsewhere(world: World, flow: Flow) -> bool:
    """Return whether a flow crosses namespaces and a peer with both selectors uses Exists or DoesNotExist."""
    source, destination, *_ = flow
    peers = [
        peer for policy in world.policies for type_ in TYPES for rule in policy.rules(type_) for peer in rule.peers
    ]
    uses_key = any(
        isinstance(peer, PodPeer)
        and peer.namespaces is not None
        and peer.pods is not None
        and any(row.operator in {"Exists", "DoesNotExist"} for row in peer.pods.expressions)
        for peer in peers
    )
    return uses_key and source.partition("/")[0] != destination.partition("/")[0]


KNOWN = {"named_twice": named_twice, "key_elsewhere": key_elsewhere}


class Gap(Struct, frozen=True, forbid_unknown_fields=True):
    """A row of gaps.yaml.

    Attributes:
        why: why the analyzer differs.
        flows: a key of KNOWN, for flows that it judges otherwise; "" if it refuses the world.
        refusal: the beginning of its message when it refuses a world; "" if it judges flows otherwise.
    """

    why: str
    flows: str = ""
    refusal: str = ""


@cache
def known_gaps() -> tuple[Gap, ...]:
    """Every row of gaps.yaml.

    Raises:
        BadFileError: a row has a wrong field; the message has its line.
    """
    return datafile.read(TABLE, tuple[Gap, ...], "tests/differential/gaps.yaml")
