"""The oracle: decides one flow for all pairs of endpoints at once, ambiguities of the specification included.

Every set of endpoints has two bounds: its members for certain (must), and its members if every ambiguity that the
profile does not resolve is answered yes (may).  A pair on which both bounds agree is decided; others are undefined.
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

BLOCK = 2048  # rows that are transposed at a time: limits memory


class Decision(StrEnum):
    """Whether the specification allows a flow."""

    ALLOWED = "allowed"
    DENIED = "denied"
    UNDEFINED = "undefined"


class Path(StrEnum):
    """How a flow gets to its destination."""

    POD_IP = "pod-ip"
    SERVICE = "service"  # through a ClusterIP: the destination is the backend


@dataclass(frozen=True)
class Query:
    """The flow to decide for all pairs: protocol and port of the destination, path, address family."""

    protocol: Protocol
    port: int
    path: Path = Path.POD_IP
    family: Family = Family.IPV4

    @property
    def port_text(self) -> str:
        """Its protocol and port, as messages and case files write them: TCP/80."""
        return port_text(self.protocol, self.port)


@dataclass(frozen=True)
class Bounds:
    """Lower and upper bound of a set of endpoints.

    Attributes:
        must: its members for certain.
        may: its members if every ambiguity says yes.
    """

    must: int
    may: int


@dataclass(frozen=True)
class Grant:
    """A rule as sets: the pods that it applies to, and the other ends that it admits for them."""

    subjects: Bounds
    others: Bounds


@dataclass(frozen=True)
class Reachability:
    """The decisions for all pairs.

    Attributes:
        index: which endpoint is which bit.
        must: by source, the destinations that are allowed for certain; packed bits, little end first.
        may: by source, the destinations that are allowed if every ambiguity says yes.
    """

    index: Index
    must: Packed
    may: Packed

    def decision(self, source: str, destination: str) -> Decision:
        """The decision for two endpoints by key."""
        row, bit = self.index.position[source], self.index.position[destination]
        if _bit(self.must, row, bit):
            return Decision.ALLOWED
        return Decision.UNDEFINED if _bit(self.may, row, bit) else Decision.DENIED

    def counts(self) -> dict[Decision, int]:
        """Number of pairs by decision."""
        allowed, at_most = int(np.bitwise_count(self.must).sum()), int(np.bitwise_count(self.may).sum())
        total = len(self.index.endpoints) ** 2
        return {
            Decision.ALLOWED: allowed,
            Decision.DENIED: total - at_most,
            Decision.UNDEFINED: at_most - allowed,
        }


def _bit(rows: Packed, row: int, bit: int) -> bool:
    return bool(rows[row, bit >> 3] >> (bit & 7) & 1)


def reachability(
    world: World, query: Query, profile: Mapping[Ambiguity, bool] = OPEN, index: Index | None = None
) -> Reachability:
    """Decide a flow for all pairs of endpoints.

    Args:
        world: namespaces, pods, hosts and policies.
        query: the flow between every pair.
        profile: how the implementation resolves ambiguities.
        index: of the same world and family, to share it between queries; None builds one.
    """
    index = index or Index(world, query.family)
    evaluator = _Evaluator(index, query, profile)
    sides = {direction: evaluator.side(direction) for direction in (EGRESS, INGRESS)}
    must = _join(sides[EGRESS][0], sides[INGRESS][0], len(index.endpoints))
    same = all(side[0] is side[1] for side in sides.values())
    may = must if same else _join(sides[EGRESS][1], sides[INGRESS][1], len(index.endpoints))
    return Reachability(index, *_exempt(index, must, may, query, profile))


class _Evaluator:
    """Evaluates the policies of a world for one query."""

    def __init__(self, index: Index, query: Query, profile: Mapping[Ambiguity, bool]) -> None:
        self.index, self.query, self.profile = index, query, profile
        self.not_host_network = index.all & ~index.host_network

    def side(self, direction: Direction) -> tuple[Packed, Packed]:
        """By subject, the other ends it admits in a direction: must and may; one object where they are equal."""
        isolated = Bounds(0, 0)
        grants: dict[Grant, None] = {}
        for policy in self.index.world.policies:
            if direction not in policy.types:
                continue
            subjects = self._subjects(policy)
            if not subjects.may:
                continue
            isolated = Bounds(isolated.must | subjects.must, isolated.may | subjects.may)
            for rule in policy.rules(direction):
                grants.setdefault(self._grant(policy, rule, direction, subjects.may))
        must = self._rows(isolated.may, [(grant.subjects.must, grant.others.must) for grant in grants])
        equal = isolated.must == isolated.may and all(
            side.must == side.may for grant in grants for side in (grant.subjects, grant.others)
        )
        if equal:
            return must, must
        return must, self._rows(isolated.must, [(grant.subjects.may, grant.others.may) for grant in grants])

    def _subjects(self, policy: Policy) -> Bounds:
        """The pods that a policy isolates (clauses 6, 22)."""
        selected = self.index.selected(policy.subject) & self.index.inside.get(policy.namespace, 0)
        return self._bounds(selected & self.not_host_network, selected, Ambiguity.HOST_NETWORK_PODS_ARE_SUBJECTS)

    def _bounds(self, without: int, with_: int, ambiguity: Ambiguity) -> Bounds:
        """The bounds of a set that is `without` if an ambiguity says no, and `with_` if it says yes."""
        yes, maybe = definitely(ambiguity, self.profile), possibly(ambiguity, self.profile)
        return Bounds(with_ if yes else without, with_ if maybe else without)

    def _grant(self, policy: Policy, rule: Rule, direction: Direction, subjects: int) -> Grant:
        """The sets of a rule; its ports are those of the destination, subject or other end (33, 42)."""
        numbered, named = self._numbered(rule), self._named(rule, direction)
        blocks = tuple(peer for peer in rule.peers if isinstance(peer, IpBlock))
        selectors = tuple(peer for peer in rule.peers if not isinstance(peer, IpBlock))
        by_block = self._peers(blocks, policy.namespace, direction)
        by_selector = self._peers(selectors, policy.namespace, direction)
        if not rule.peers:
            by_selector = Bounds(self.index.all, self.index.all)  # clause 12
        if direction == INGRESS:
            others = Bounds(by_block.must | by_selector.must, by_block.may | by_selector.may)
            return Grant(Bounds(subjects & (numbered | named.must), subjects & (numbered | named.may)), others)
        ambiguity = Ambiguity.NAMED_PORT_MATCHES_IN_BLOCK
        in_block = Bounds(
            named.must if definitely(ambiguity, self.profile) else 0,
            named.may if possibly(ambiguity, self.profile) else 0,
        )
        others = Bounds(
            by_selector.must & (numbered | named.must) | by_block.must & (numbered | in_block.must),
            by_selector.may & (numbered | named.may) | by_block.may & (numbered | in_block.may),
        )
        return Grant(Bounds(subjects, subjects), others)

    def _peers(self, peers: tuple[Peer, ...], namespace: str, direction: Direction) -> Bounds:
        must = may = 0
        for peer in peers:
            bounds = self._peer(peer, namespace, direction)
            must, may = must | bounds.must, may | bounds.may
        return Bounds(must, may)

    def _peer(self, peer: Peer, namespace: str, direction: Direction) -> Bounds:
        index = self.index
        if isinstance(peer, IpBlock):
            return self._block(peer, direction)
        # Clauses 13 to 15: without namespaceSelector the policy's own namespace; both selectors together are AND.
        pods = index.inside.get(namespace, 0) if peer.namespaces is None else index.in_namespaces(peer.namespaces)
        if peer.pods is not None:
            pods &= index.selected(peer.pods)
        return self._bounds(pods & self.not_host_network, pods, Ambiguity.HOST_NETWORK_PODS_ARE_PEERS)

    def _block(self, block: IpBlock, direction: Direction) -> Bounds:
        """The endpoints that a block matches, pods and nodes by the profile; a node may use any address it has."""
        index, profile = self.index, self.profile
        inside = index.block(block)
        wholly, partly = index.nodes_in(block)
        must = may = inside & ~(index.pods | index.nodes)
        if possibly(Ambiguity.BLOCK_MATCHES_PODS, profile):
            must |= inside & index.pods if definitely(Ambiguity.BLOCK_MATCHES_PODS, profile) else 0
            may |= inside & index.pods
        if possibly(Ambiguity.BLOCK_MATCHES_NODES, profile):
            must |= wholly if definitely(Ambiguity.BLOCK_MATCHES_NODES, profile) else 0
            may |= partly
        if self.query.path is Path.SERVICE and direction == EGRESS:
            # Before translation a block is compared with the Service's address, which the world does not hold.
            before = possibly(Ambiguity.BLOCK_BEFORE_TRANSLATION, profile)
            must, may = (0, index.all) if before else (must, may)
        return Bounds(must, may)

    def _numbered(self, rule: Rule) -> int:
        """The destinations on which a numbered port of a rule matches the query's: all, or none."""
        matches = not rule.ports  # clause 29
        for entry in rule.ports:
            if entry.protocol == self.query.protocol and not isinstance(entry.port, str):
                # clauses 30, 40
                matches |= entry.port is None or entry.port <= self.query.port <= (entry.end or entry.port)
        return self.index.all if matches else 0

    def _named(self, rule: Rule, direction: Direction) -> Bounds:
        """The destinations on which a named port of a rule matches the query's (clauses 33 to 37)."""
        must = may = 0
        for entry in rule.ports:
            if entry.protocol != self.query.protocol or not isinstance(entry.port, str):
                continue
            named = self.index.named.get((entry.port, entry.protocol, self.query.port), 0)
            must, may = must | named, may | named
            if direction == EGRESS and not rule.peers:
                hosts = self._bounds(0, self.index.all & ~self.index.pods, Ambiguity.NAMED_PORT_MATCHES_OUTSIDE)
                must, may = must | hosts.must, may | hosts.may
        return Bounds(must, may)

    def _rows(self, isolated: int, grants: list[tuple[int, int]]) -> Packed:
        """By endpoint, the others it admits: all, or those of its grants if it is isolated (clauses 1, 3)."""
        count = len(self.index.endpoints)
        width = (count + 7) // 8
        pooled: dict[int, int] = {}
        for subjects, admitted in grants:
            pooled[subjects] = pooled.get(subjects, 0) | admitted
        signatures = _transpose(_pack([*pooled, isolated], width), count)
        kinds: dict[bytes, int] = {}
        kind_of = np.fromiter((kinds.setdefault(row.tobytes(), len(kinds)) for row in signatures), np.intp, count)
        others = list(pooled.values())
        rows: Packed = _pack([self._admits(kind, others) for kind in kinds], width)[kind_of]
        return rows

    def _admits(self, signature: bytes, others: list[int]) -> int:
        """The others that endpoints of one kind admit.

        Args:
            signature: bits of the grants that apply to the kind, and a last one if it is isolated.
            others: the ends that each grant admits.
        """
        applied = int.from_bytes(signature, "little")
        if not applied >> len(others):
            return self.index.all
        admitted = 0
        for grant in ones(applied & ~(1 << len(others))):
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


def _transpose(rows: Packed, count: int) -> Packed:
    """Transpose a bit matrix, given as packed rows of count bits."""
    parts = [
        np.packbits(
            np.unpackbits(rows[:, start // 8 : (start + BLOCK) // 8], axis=1, bitorder="little").T,
            axis=1,
            bitorder="little",
        )
        for start in range(0, count, BLOCK)
    ]
    transposed: Packed = np.concatenate(parts)[:count] if parts else np.zeros((0, 0), np.uint8)
    return transposed


def _join(egress: Packed, ingress: Packed, count: int) -> Packed:
    """Both have to allow (clause 4): egress by source, ingress by destination."""
    joined: Packed = egress & _transpose(ingress, count)
    return joined


def _exempt(
    index: Index, must: Packed, may: Packed, query: Query, profile: Mapping[Ambiguity, bool]
) -> tuple[Packed, Packed]:
    """Allow the pairs that no policy can deny: a pod and itself (49), a node and its pods (47)."""
    by_address = query.path is Path.POD_IP
    ambiguity = Ambiguity.OWN_SERVICE_IS_EXEMPT
    if by_address or definitely(ambiguity, profile):
        _set(must, ((bit, bit) for bit in range(len(index.endpoints))))
        _set(may, ((bit, bit) for bit in range(len(index.endpoints))))
    elif possibly(ambiguity, profile):
        may = may.copy() if may is must else may
        _set(may, ((bit, bit) for bit in range(len(index.endpoints))))
    for bit, end in enumerate(index.endpoints):
        on_host = isinstance(end, Host) or end.host_network
        if end.node and on_host:
            for rows in (must, may):
                _set(rows, ((bit, other) for other in ones(index.on_node[end.node])))
                _set(rows, ((other, bit) for other in ones(index.on_node[end.node])))
    return must, may


def _set(rows: Packed, cells: Iterable[tuple[int, int]]) -> None:
    for row, bit in cells:
        rows[row, bit >> 3] |= 1 << (bit & 7)
