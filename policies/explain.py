"""Why one flow is allowed, denied or undefined: the policies and rules that decide it, and the clauses behind them."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING

from policies import clauses
from policies.ambiguities import OPEN, Ambiguity, definitely, possibly
from policies.endpoint_index import holds, selects
from policies.families import family_of
from policies.model import EGRESS, INGRESS, Host, IpBlock, Pod, port_text
from policies.oracle import Decision, Path

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from policies.model import Direction, Endpoint, Peer, Policy, PortRule, Rule, World
    from policies.oracle import Query


@dataclass(frozen=True)
class Reason:
    """A reason for a decision, and the clauses behind it."""

    text: str
    clauses: tuple[int, ...] = ()

    def __str__(self) -> str:
        numbers = " and ".join(str(number) for number in self.clauses)
        return f"{self.text} (clause{'s' * (len(self.clauses) > 1)} {numbers})" if self.clauses else self.text


@dataclass(frozen=True)
class Explanation:
    """A decision and its reasons.

    A message about one flow is str(explanation), which ends with the sentences of the clauses.  One about several
    flows has the `line` of each, and the legend of all their clauses once.
    """

    decision: Decision
    reasons: tuple[Reason, ...]

    @property
    def clauses(self) -> frozenset[int]:
        """Numbers of the clauses that the reasons cite."""
        return frozenset(number for reason in self.reasons for number in reason.clauses)

    @property
    def line(self) -> str:
        """The decision and the reasons, in one line."""
        return f"{self.decision}: " + "; ".join(str(reason) for reason in self.reasons)

    def __str__(self) -> str:
        return "\n".join((self.line, *clauses.legend(self.clauses)))


@dataclass(frozen=True)
class Match:
    """Whether something matches: yes, no (both False), or perhaps, with the ambiguity that it depends on."""

    yes: bool
    perhaps: bool
    ambiguity: Ambiguity | None = None


YES, NO = Match(yes=True, perhaps=True), Match(yes=False, perhaps=False)


def explain(
    world: World, source: str, destination: str, query: Query, profile: Mapping[Ambiguity, bool] = OPEN
) -> Explanation:
    """Decide one flow, with reasons.

    Args:
        world: namespaces, pods, hosts and policies.
        source: key of the sender.
        destination: key of the receiver; of the backend, if the flow goes through a Service.
        query: the flow.
        profile: how the implementation resolves ambiguities.
    """
    ends = {end.key: end for end in world.endpoints()}
    sender, receiver = ends[source], ends[destination]
    if exempt := _exempt(sender, receiver, query, profile):
        return exempt
    evaluator = _Evaluator(world, query, profile)
    sides = [evaluator.side(EGRESS, sender, receiver), evaluator.side(INGRESS, receiver, sender)]
    denied = [side for side in sides if side.decision is Decision.DENIED]
    open_ = [side for side in sides if side.decision is Decision.UNDEFINED]
    deciding = denied or open_ or sides
    explanation = Explanation(deciding[0].decision, tuple(reason for side in deciding for reason in side.reasons))
    own = source == destination and possibly(Ambiguity.OWN_SERVICE_IS_EXEMPT, profile)
    if own and explanation.decision is not Decision.ALLOWED:
        own_service = Reason(f"{source} connects to itself through its own Service", (clauses.of_ambiguity(_OWN),))
        return Explanation(Decision.UNDEFINED, (own_service, *explanation.reasons))
    return explanation


_OWN = Ambiguity.OWN_SERVICE_IS_EXEMPT


def _exempt(
    sender: Endpoint, receiver: Endpoint, query: Query, profile: Mapping[Ambiguity, bool]
) -> Explanation | None:
    """The explanation of a flow that no policy can deny; None for others."""
    if sender.key == receiver.key and (query.path is Path.POD_IP or definitely(_OWN, profile)):
        why = Reason(f"{sender.key} connects to itself", (49,))
        if query.path is not Path.POD_IP:
            text = f"{sender.key} connects to itself through its own Service, which the engine declares as exempt"
            why = Reason(text, (clauses.of_ambiguity(_OWN),))
        return Explanation(Decision.ALLOWED, (why,))
    on_host = [end for end in (sender, receiver) if isinstance(end, Host) or end.host_network]
    if on_host and sender.node and sender.node == receiver.node:
        host, other = on_host[0], receiver if on_host[0] is sender else sender
        is_on = "is" if isinstance(host, Host) else "shares the network of"
        return Explanation(Decision.ALLOWED, (Reason(f"{host.key} {is_on} the node that {other.key} runs on", (47,)),))
    return None


class _Evaluator:
    """Evaluates the policies of a world for one query, one flow at a time."""

    def __init__(self, world: World, query: Query, profile: Mapping[Ambiguity, bool]) -> None:
        self.world, self.query, self.profile = world, query, profile

    def side(self, direction: Direction, subject: Endpoint, other: Endpoint) -> Explanation:
        """Decide by the policies of one direction."""
        selecting = [
            (policy, match)
            for policy in self.world.policies
            if (match := self._selects(policy, direction, subject)).perhaps
        ]
        if not selecting:
            why = Reason(f"no policy isolates {subject.key} for {direction.lower()}", (1,))
            return Explanation(Decision.ALLOWED, (why,))
        rows = [self._rules(policy, direction, subject, other) for policy, _ in selecting]
        admitted = [row for row in rows if row.decision is Decision.ALLOWED]
        if admitted:
            return admitted[0]
        undefined = [row for row in rows if row.decision is Decision.UNDEFINED]
        if undefined:
            return undefined[0]
        if not any(match.yes for _, match in selecting):
            return Explanation(
                Decision.UNDEFINED, (_undefined(Ambiguity.HOST_NETWORK_PODS_ARE_SUBJECTS, subject.key),)
            )
        return Explanation(Decision.DENIED, tuple(reason for row in rows for reason in row.reasons))

    def _resolve(self, ambiguity: Ambiguity) -> Match:
        yes, maybe = definitely(ambiguity, self.profile), possibly(ambiguity, self.profile)
        return Match(yes, maybe, None if yes == maybe else ambiguity)

    def _selects(self, policy: Policy, direction: Direction, subject: Endpoint) -> Match:
        if direction not in policy.types or isinstance(subject, Host) or subject.namespace != policy.namespace:
            return NO
        if not selects(policy.subject, dict(subject.labels)):
            return NO
        return self._resolve(Ambiguity.HOST_NETWORK_PODS_ARE_SUBJECTS) if subject.host_network else YES

    def _rules(self, policy: Policy, direction: Direction, subject: Endpoint, other: Endpoint) -> Explanation:
        rules = policy.rules(direction)
        isolates = f"{policy.key} isolates {subject.key} for {direction.lower()}"
        if not rules:
            return Explanation(Decision.DENIED, (Reason(f"{isolates} and has no {direction.lower()} rule", (2, 10)),))
        receiver = subject if direction == INGRESS else other
        reasons, undefined = [Reason(isolates, (2,))], []
        for number, rule in enumerate(rules):
            name = f"{policy.key} {direction.lower()} rule {number}"
            peer, port = self._rule(policy, rule, other, receiver, direction)
            if peer.yes and port.yes:
                return Explanation(
                    Decision.ALLOWED, (Reason(f"{name} allows {other.key} on {self.query.port_text}", (3,)),)
                )
            if peer.perhaps and port.perhaps:
                ambiguity = peer.ambiguity or port.ambiguity
                assert ambiguity is not None
                undefined.append(_undefined(ambiguity, other.key, f"{name}: "))
            elif not peer.perhaps:
                reasons.append(Reason(f"{name} has no peer that matches {other.key}"))
            else:
                reasons.append(self._no_port(name, rule, receiver))
        if undefined:
            return Explanation(Decision.UNDEFINED, tuple(undefined))
        return Explanation(Decision.DENIED, tuple(reasons))

    def _no_port(self, name: str, rule: Rule, receiver: Endpoint) -> Reason:
        """The reason that a rule lacks the port, with the numbers of its named ports on the receiver."""
        text = f"{name} has no port that matches {self.query.port_text}"
        names = {entry.port for entry in rule.ports if isinstance(entry.port, str)}
        if not names or isinstance(receiver, Host):
            return Reason(text)
        declared = [f"{p.name} = {port_text(p.protocol, p.number)}" for p in receiver.ports if p.name in names]
        return Reason(f"{text}; on {receiver.key} {', '.join(declared) or 'no port has that name'}", (33,))

    def _rule(
        self, policy: Policy, rule: Rule, other: Endpoint, receiver: Endpoint, direction: Direction
    ) -> tuple[Match, Match]:
        """How a rule matches the other end and the port, for the peer that matches best."""
        pairs = [
            (self._peer(policy, peer, other, direction), self._ports(rule, peer, receiver, direction))
            for peer in rule.peers
        ] or [(YES, self._ports(rule, None, receiver, direction))]
        return max(pairs, key=_quality)

    def _peer(self, policy: Policy, peer: Peer, other: Endpoint, direction: Direction) -> Match:
        if isinstance(peer, IpBlock):
            return self._block(peer, other, direction)
        if isinstance(other, Host):
            return NO
        if peer.namespaces is None:
            inside = other.namespace == policy.namespace
        else:
            inside = selects(peer.namespaces, self.world.namespace(other.namespace).all_labels())
        if not inside or not (peer.pods is None or selects(peer.pods, dict(other.labels))):
            return NO
        return self._resolve(Ambiguity.HOST_NETWORK_PODS_ARE_PEERS) if other.host_network else YES

    def _block(self, block: IpBlock, other: Endpoint, direction: Direction) -> Match:
        if self.query.path is Path.SERVICE and direction == EGRESS and possibly(_BEFORE, self.profile):
            return Match(yes=False, perhaps=True, ambiguity=_BEFORE)
        addresses = [ip_address(ip) for ip in other.ips if family_of(ip) is self.query.family]
        inside = [holds(block, address) for address in addresses]
        if not any(inside):
            return NO
        if isinstance(other, Pod):
            return self._resolve(Ambiguity.BLOCK_MATCHES_PODS)
        if not other.node:
            return YES
        some = Match(yes=False, perhaps=possibly(_NODES, self.profile), ambiguity=_NODES)
        return self._resolve(_NODES) if all(inside) else some

    def _ports(self, rule: Rule, peer: Peer | None, receiver: Endpoint, direction: Direction) -> Match:
        """How a rule's ports match, together with one of its peers."""
        if not rule.ports:
            return YES
        return _best(self._port(entry, peer, receiver, direction) for entry in rule.ports)

    def _port(self, entry: PortRule, peer: Peer | None, receiver: Endpoint, direction: Direction) -> Match:
        if entry.protocol != self.query.protocol:
            return NO
        if isinstance(entry.port, str):
            if isinstance(receiver, Host):
                without_peers = direction == EGRESS and peer is None
                return self._resolve(Ambiguity.NAMED_PORT_MATCHES_OUTSIDE) if without_peers else NO
            declared = (entry.port, entry.protocol, self.query.port)
            if declared not in {(p.name, p.protocol, p.number) for p in receiver.ports}:
                return NO
            by_address = direction == EGRESS and isinstance(peer, IpBlock)
            return self._resolve(Ambiguity.NAMED_PORT_MATCHES_IN_BLOCK) if by_address else YES
        if entry.port is None or entry.port <= self.query.port <= (entry.end or entry.port):
            return YES
        return NO


_NODES = Ambiguity.BLOCK_MATCHES_NODES
_BEFORE = Ambiguity.BLOCK_BEFORE_TRANSLATION


def _quality(pair: tuple[Match, Match]) -> tuple[bool, bool, bool]:
    """How well peer and port match together: a key to sort by."""
    peer, port = pair
    return peer.yes and port.yes, peer.perhaps and port.perhaps, peer.perhaps


def _best(matches: Iterable[Match]) -> Match:
    """The one that matches best."""
    return max(matches, key=lambda match: (match.yes, match.perhaps))


def _undefined(ambiguity: Ambiguity, key: str, where: str = "") -> Reason:
    return Reason(f"{where}{ambiguity} is open for {key}", (clauses.of_ambiguity(ambiguity),))
