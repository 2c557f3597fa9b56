"""The oracle: who reaches whom on one port, for all pairs at once, with what the specification leaves open.

Every policy is read twice: in the way that allows least and in the way that allows most, as far as the profile leaves
questions open.  A pair on which both readings agree is decided; the others are undefined.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from policies.ambiguities import OPEN, Ambiguity, definitely, possibly
from policies.endpoint_index import Index
from policies.families import Family
from policies.model import EGRESS, INGRESS, Host, IpBlock, port_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import numpy.typing as npt

    from policies.model import Direction, Peer, Policy, Protocol, Rule, World

    Packed = npt.NDArray[np.uint8]

BLOCK = 2048  # rows that are turned at a time: bounds memory


class Decision(StrEnum):
    """What the specification says of a flow."""

    ALLOWED = "allowed"
    DENIED = "denied"
    UNDEFINED = "undefined"


class Path(StrEnum):
    """How a flow gets to its destination."""

    POD_IP = "pod-ip"
    SERVICE = "service"  # by a ClusterIP: the destination is the backend


@dataclass(frozen=True)
class Query:
    """What is asked of all pairs: a protocol and a port of the destination, by one path, in one family."""

    protocol: Protocol
    port: int
    path: Path = Path.POD_IP
    family: Family = Family.IPV4

    @property
    def port_text(self) -> str:
        """Its protocol and port, as messages and case files write them: TCP/80."""
        return port_text(self.protocol, self.port)


@dataclass(frozen=True)
class Reading:
    """Lower and upper bound of a set: its members for certain, and its members if open questions are answered yes."""

    least: int
    most: int


@dataclass(frozen=True)
class Grant:
    """A rule as sets: the pods it works for, and the other ends it admits for them."""

    subjects: Reading
    others: Reading


@dataclass(frozen=True)
class Reach:
    """The answer for all pairs.

    Attributes:
        index: which endpoint is which bit.
        least: by source, the destinations that every reading allows; packed bits, little end first.
        most: by source, the destinations that some reading allows.
    """

    index: Index
    least: Packed
    most: Packed

    def verdict(self, source: str, destination: str) -> Decision:
        """The verdict for two endpoints by key."""
        row, bit = self.index.position[source], self.index.position[destination]
        if _bit(self.least, row, bit):
            return Decision.ALLOWED
        return Decision.UNDEFINED if _bit(self.most, row, bit) else Decision.DENIED

    def counts(self) -> dict[Decision, int]:
        """How many pairs have each verdict."""
        allowed, possible_ = int(np.bitwise_count(self.least).sum()), int(np.bitwise_count(self.most).sum())
        total = len(self.index.endpoints) ** 2
        return {
            Decision.ALLOWED: allowed,
            Decision.DENIED: total - possible_,
            Decision.UNDEFINED: possible_ - allowed,
        }


def _bit(rows: Packed, row: int, bit: int) -> bool:
    return bool(rows[row, bit >> 3] >> (bit & 7) & 1)


def reach(world: World, query: Query, profile: Mapping[Ambiguity, bool] = OPEN, index: Index | None = None) -> Reach:
    """Who reaches whom.

    Args:
        world: everything that matters.
        query: the flow between every pair.
        profile: answers to open questions.
        index: of the world and the family, where it is there already.
    """
    index = index or Index(world, query.family)
    read = _Reader(index, query, profile)
    sides = {direction: read.side(direction) for direction in (EGRESS, INGRESS)}
    least = _join(sides[EGRESS][0], sides[INGRESS][0], len(index.endpoints))
    same = all(side[0] is side[1] for side in sides.values())
    most = least if same else _join(sides[EGRESS][1], sides[INGRESS][1], len(index.endpoints))
    return Reach(index, *_exempt(index, least, most, query, profile))


class _Reader:
    """Reads the policies of a world for one query."""

    def __init__(self, index: Index, query: Query, profile: Mapping[Ambiguity, bool]) -> None:
        self.index, self.query, self.profile = index, query, profile
        self.bare = index.all & ~index.host_network

    def side(self, direction: Direction) -> tuple[Packed, Packed]:
        """By subject, the other ends it admits in a direction: as read least and most; one object where they agree."""
        isolated = Reading(0, 0)
        grants: dict[Grant, None] = {}
        for policy in self.index.world.policies:
            if direction not in policy.types:
                continue
            subjects = self._subjects(policy)
            if not subjects.most:
                continue
            isolated = Reading(isolated.least | subjects.least, isolated.most | subjects.most)
            for rule in policy.rules(direction):
                grants.setdefault(self._grant(policy, rule, direction, subjects.most))
        least = self._rows(isolated.most, [(grant.subjects.least, grant.others.least) for grant in grants])
        agreed = isolated.least == isolated.most and all(
            side.least == side.most for grant in grants for side in (grant.subjects, grant.others)
        )
        if agreed:
            return least, least
        return least, self._rows(isolated.least, [(grant.subjects.most, grant.others.most) for grant in grants])

    def _subjects(self, policy: Policy) -> Reading:
        """The pods a policy isolates for certain, and those it may isolate (clauses 6, 22)."""
        found = self.index.selected(policy.subject) & self.index.inside.get(policy.namespace, 0)
        return self._reading(found & self.bare, found, Ambiguity.HOST_NETWORK_PODS_ARE_SUBJECTS)

    def _reading(self, least: int, most: int, question: Ambiguity) -> Reading:
        yes, maybe = definitely(question, self.profile), possibly(question, self.profile)
        return Reading(most if yes else least, most if maybe else least)

    def _grant(self, policy: Policy, rule: Rule, direction: Direction, subjects: int) -> Grant:
        """A rule's subjects and others; its ports are those of the destination, whichever of them that is (33, 42)."""
        numbered, named = self._numbered(rule), self._named(rule, direction)
        blocks = tuple(peer for peer in rule.peers if isinstance(peer, IpBlock))
        selectors = tuple(peer for peer in rule.peers if not isinstance(peer, IpBlock))
        by_block = self._peers(blocks, policy.namespace, direction)
        by_selector = self._peers(selectors, policy.namespace, direction)
        if not rule.peers:
            by_selector = Reading(self.index.all, self.index.all)  # clause 12
        if direction == INGRESS:
            others = Reading(by_block.least | by_selector.least, by_block.most | by_selector.most)
            return Grant(Reading(subjects & (numbered | named.least), subjects & (numbered | named.most)), others)
        question = Ambiguity.NAMED_PORT_MATCHES_IN_BLOCK
        in_block = Reading(
            named.least if definitely(question, self.profile) else 0,
            named.most if possibly(question, self.profile) else 0,
        )
        others = Reading(
            by_selector.least & (numbered | named.least) | by_block.least & (numbered | in_block.least),
            by_selector.most & (numbered | named.most) | by_block.most & (numbered | in_block.most),
        )
        return Grant(Reading(subjects, subjects), others)

    def _peers(self, peers: tuple[Peer, ...], namespace: str, direction: Direction) -> Reading:
        least = most = 0
        for peer in peers:
            reading = self._peer(peer, namespace, direction)
            least, most = least | reading.least, most | reading.most
        return Reading(least, most)

    def _peer(self, peer: Peer, namespace: str, direction: Direction) -> Reading:
        index = self.index
        if isinstance(peer, IpBlock):
            return self._block(peer, direction)
        # Clauses 13 to 15: without namespaceSelector the policy's own namespace; both selectors together are AND.
        found = index.inside.get(namespace, 0) if peer.namespaces is None else index.in_namespaces(peer.namespaces)
        if peer.pods is not None:
            found &= index.selected(peer.pods)
        return self._reading(found & self.bare, found, Ambiguity.HOST_NETWORK_PODS_ARE_PEERS)

    def _block(self, block: IpBlock, direction: Direction) -> Reading:
        """A block, with pods and nodes in it as far as the profile says; a node may use any address it has."""
        index, profile = self.index, self.profile
        found = index.block(block)
        wholly, partly = index.nodes_in(block)
        least = most = found & ~(index.pods | index.nodes)
        if possibly(Ambiguity.BLOCK_MATCHES_PODS, profile):
            least |= found & index.pods if definitely(Ambiguity.BLOCK_MATCHES_PODS, profile) else 0
            most |= found & index.pods
        if possibly(Ambiguity.BLOCK_MATCHES_NODES, profile):
            least |= wholly if definitely(Ambiguity.BLOCK_MATCHES_NODES, profile) else 0
            most |= partly
        if self.query.path is Path.SERVICE and direction == EGRESS:
            # Before translation a block is compared with the Service's address, which the world does not hold.
            before = possibly(Ambiguity.BLOCK_BEFORE_TRANSLATION, profile)
            least, most = (0, index.all) if before else (least, most)
        return Reading(least, most)

    def _numbered(self, rule: Rule) -> int:
        """The destinations on which a rule's ports hold the query's by number: all, or none."""
        holds = not rule.ports  # clause 29
        for entry in rule.ports:
            if entry.protocol == self.query.protocol and not isinstance(entry.port, str):
                # clauses 30, 40
                holds |= entry.port is None or entry.port <= self.query.port <= (entry.end or entry.port)
        return self.index.all if holds else 0

    def _named(self, rule: Rule, direction: Direction) -> Reading:
        """The destinations on which a rule's ports hold the query's by name (clauses 33 to 37)."""
        least = most = 0
        for entry in rule.ports:
            if entry.protocol != self.query.protocol or not isinstance(entry.port, str):
                continue
            named = self.index.named.get((entry.port, entry.protocol, self.query.port), 0)
            least, most = least | named, most | named
            if direction == EGRESS and not rule.peers:
                outside = self._reading(0, self.index.all & ~self.index.pods, Ambiguity.NAMED_PORT_MATCHES_OUTSIDE)
                least, most = least | outside.least, most | outside.most
        return Reading(least, most)

    def _rows(self, isolated: int, grants: list[tuple[int, int]]) -> Packed:
        """By endpoint, what it admits: everything, or, where it is isolated, what its grants hold (clauses 1, 3)."""
        count = len(self.index.endpoints)
        width = (count + 7) // 8
        pooled: dict[int, int] = {}
        for subjects, admitted in grants:
            pooled[subjects] = pooled.get(subjects, 0) | admitted
        signatures = _turn(_pack([*pooled, isolated], width), count)
        kinds: dict[bytes, int] = {}
        which = np.fromiter((kinds.setdefault(row.tobytes(), len(kinds)) for row in signatures), np.intp, count)
        others = list(pooled.values())
        rows: Packed = _pack([self._admits(kind, others) for kind in kinds], width)[which]
        return rows

    def _admits(self, signature: bytes, others: list[int]) -> int:
        """What endpoints of one kind admit; the signature's last bit says isolated, the others which grants work."""
        chosen = int.from_bytes(signature, "little")
        if not chosen >> len(others):
            return self.index.all
        admitted = 0
        for grant in ones(chosen & ~(1 << len(others))):
            admitted |= others[grant]
        return admitted


def ones(bits: int) -> Iterator[int]:
    """The positions of the bits that are set, lowest first."""
    while bits:
        lowest = bits & -bits
        yield lowest.bit_length() - 1
        bits ^= lowest


def _pack(sets: list[int], width: int) -> Packed:
    """Sets as rows of packed bits."""
    data = b"".join(bits.to_bytes(width, "little") for bits in sets)
    return np.frombuffer(data, np.uint8).reshape(len(sets), width)


def _turn(rows: Packed, count: int) -> Packed:
    """Transpose a bit matrix, given as packed rows of count bits."""
    parts = [
        np.packbits(
            np.unpackbits(rows[:, start // 8 : (start + BLOCK) // 8], axis=1, bitorder="little").T,
            axis=1,
            bitorder="little",
        )
        for start in range(0, count, BLOCK)
    ]
    turned: Packed = np.concatenate(parts)[:count] if parts else np.zeros((0, 0), np.uint8)
    return turned


def _join(egress: Packed, ingress: Packed, count: int) -> Packed:
    """Both have to allow (clause 4): egress by source, ingress by destination."""
    joined: Packed = egress & _turn(ingress, count)
    return joined


def _exempt(
    index: Index, least: Packed, most: Packed, query: Query, profile: Mapping[Ambiguity, bool]
) -> tuple[Packed, Packed]:
    """Allow what no policy can forbid: a pod and itself (49), a node and its pods (47)."""
    by_address = query.path is Path.POD_IP
    question = Ambiguity.OWN_SERVICE_IS_EXEMPT
    if by_address or definitely(question, profile):
        _set(least, ((bit, bit) for bit in range(len(index.endpoints))))
        _set(most, ((bit, bit) for bit in range(len(index.endpoints))))
    elif possibly(question, profile):
        most = most.copy() if most is least else most
        _set(most, ((bit, bit) for bit in range(len(index.endpoints))))
    for bit, end in enumerate(index.endpoints):
        at_home = isinstance(end, Host) or end.host_network
        if end.node and at_home:
            for rows in (least, most):
                _set(rows, ((bit, other) for other in ones(index.on_node[end.node])))
                _set(rows, ((other, bit) for other in ones(index.on_node[end.node])))
    return least, most


def _set(rows: Packed, cells: Iterable[tuple[int, int]]) -> None:
    for row, bit in cells:
        rows[row, bit >> 3] |= 1 << (bit & 7)
