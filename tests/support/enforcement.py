"""The reference engine without a kernel: its rules for the states of a history, interpreted flow by flow.

A state takes milliseconds, so mutants of the engine can be run on thousands of generated states.
"""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Any, NamedTuple

from fixtures.cnis.reference.engine import rules
from fixtures.cnis.reference.engine.store import Store
from fixtures.workspaces.workspace import masked, with_peers
from policies import ambiguities, base_world, layouts, serialization
from policies.endpoint_index import Index
from policies.families import family_of
from policies.model import NAMESPACE_LABEL, Pod
from policies.oracle import Decision, reachability

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from policies.model import Endpoint, Policy, World
    from policies.oracle import Query, Reachability

Object = dict[str, Any]
Range = tuple[int, int]
PROFILE = ambiguities.PROFILES["packet-filter"]
PARSED = 65536  # lines that stay parsed
SIDE = re.compile(r"ip6? [sd]addr (!= )?(\{[^}]*\}|\S+)")
PORTS = re.compile(r"(tcp|udp|sctp) dport (\d+)(?:-(\d+))?")
PROTOCOL = re.compile(r"meta l4proto (\w+)")


class Line(NamedTuple):
    """A line of a pod's chain.

    Attributes:
        inside: ranges of addresses; None for all.
        outside: ranges of addresses that it does not apply to.
        protocol: its protocol; "" for all.
        first, last: its ports; 0 to 65535 for all.
        returns: whether it allows the flow; it drops the flow otherwise.
    """

    inside: tuple[Range, ...] | None
    outside: tuple[Range, ...]
    protocol: str
    first: int
    last: int
    returns: bool

    def matches(self, address: int, protocol: str, port: int) -> bool:
        """Whether it applies to a flow."""
        return (
            self.protocol in {"", protocol}
            and self.first <= port <= self.last
            and (self.inside is None or any(low <= address <= high for low, high in self.inside))
            and not any(low <= address <= high for low, high in self.outside)
        )


@lru_cache(PARSED)
def parse(text: str) -> Line:
    """A line of the table."""
    inside: tuple[Range, ...] | None = None
    outside: tuple[Range, ...] = ()
    for negated, written in SIDE.findall(text):
        ranges = tuple(_range(part.strip()) for part in written.strip("{} ").split(","))
        if negated:
            outside = ranges
        else:
            inside = ranges
    if ports := PORTS.search(text):
        return Line(inside, outside, ports[1], int(ports[2]), int(ports[3] or ports[2]), text.endswith("return"))
    protocol = PROTOCOL.search(text)
    return Line(inside, outside, protocol[1] if protocol else "", 0, 65535, text.endswith("return"))


@lru_cache(PARSED)
def _range(cidr: str) -> Range:
    network = ip_network(cidr)
    return int(network.network_address), int(network.broadcast_address)


Known = dict[tuple[int, "Query"], "Reachability"]  # by the id of a world


class Enforcement:
    """The engine's objects and chains in the states of one history.

    Args:
        layout: of its pods.
        known: keeps decisions of the oracle, for histories that other engines have, too, and that stay in memory.
    """

    def __init__(self, layout: int = 0, known: Known | None = None) -> None:
        self.store = Store()
        self.known = known
        self.world: World = layouts.build(layout)
        for namespace in self.world.namespaces:
            self._change("namespaces", "ADDED", "", namespace.name, dict(namespace.all_labels()))
        for pod in self.world.pods:
            self._pod("ADDED", pod)

    def _change(self, kind: str, event: str, namespace: str, name: str, labels: dict[str, str], **rest: Any) -> None:  # noqa: ANN401 - JSON
        metadata = {"namespace": namespace, "name": name, "uid": f"{namespace}/{name}", "labels": labels}
        self.store.change(kind, event, {"metadata": metadata, **rest})

    def _pod(self, event: str, pod: Pod) -> None:
        ports = [{"containerPort": p.number, "name": p.name, "protocol": p.protocol.upper()} for p in pod.ports]
        status = {"phase": pod.phase, "podIPs": [{"ip": ip} for ip in pod.ips]}
        spec = {"nodeName": pod.node, "hostNetwork": pod.host_network, "containers": [{"ports": ports}]}
        self._change("pods", event, pod.namespace, pod.name, dict(pod.labels), spec=spec, status=status)

    def apply(self, state: World) -> None:
        """Change labels, then policies, to those of a state, as workspaces do."""
        for before, after in zip(self.world.namespaces, state.namespaces, strict=True):
            if before.labels != after.labels:
                labels = {**dict(after.labels), NAMESPACE_LABEL: after.name}
                self._change("namespaces", "MODIFIED", "", after.name, labels)
        for old, new in zip(self.world.pods, state.pods, strict=True):
            if old != new:
                self._pod("MODIFIED", new)
        present = {policy.key: policy for policy in self.world.policies}
        kept = {policy.key for policy in state.policies}
        for policy in self.world.policies:
            if policy.key not in kept:
                self._policy("DELETED", policy)
        for policy in state.policies:
            if present.get(policy.key) != policy:
                self._policy("MODIFIED" if policy.key in present else "ADDED", policy)
        self.world = state

    def _policy(self, event: str, policy: Policy) -> None:
        spec = serialization.write(with_peers(policy, masked))["spec"]
        self._change("networkpolicies", event, policy.namespace, policy.name, {}, spec=spec)

    def wrong(self, queries: Sequence[Query]) -> Iterator[str]:
        """The flows of the present state that the engine treats otherwise than the oracle decides."""
        known = {} if self.known is None else self.known  # the id of a world that is gone may be another one's
        unknown = any((id(self.world), query) not in known for query in queries)
        index = Index(self.world, queries[0].family) if unknown else None
        chains = {direction: self._chains(direction, queries[0]) for direction in ("Egress", "Ingress")}
        for query in queries:
            key = id(self.world), query
            if key not in known:
                known[key] = reachability(self.world, query, PROFILE, index)
            decide = known[key].decision
            for source, destination in _pairs(self.world):
                decision = decide(source.key, destination.key)
                if decision is Decision.UNDEFINED:
                    continue
                passes = _passes(chains["Egress"].get(source.key), destination, query) and _passes(
                    chains["Ingress"].get(destination.key), source, query
                )
                if passes is not (decision is Decision.ALLOWED):
                    yield f"{source.key} to {destination.key} on {query.port_text}: {decision}"

    def _chains(self, direction: str, query: Query) -> dict[str, list[Line]]:
        """The chain of every isolated pod."""
        version = query.family.version
        chains: dict[str, list[Line]] = {}
        for key, pod in self.store.kinds["pods"].items():
            if policies := rules.isolating_policies(self.store, pod, direction):
                lines = [rules.policy_lines(self.store, one, pod, direction, version) for one in policies]
                chains[key] = [parse(line) for some in lines for line in some]
        return chains


def _pairs(world: World) -> Iterator[tuple[Endpoint, Endpoint]]:
    """The pairs of ends that are probed, without those that no policy can deny (clauses 47, 49)."""
    ends: tuple[Endpoint, ...] = (*(pod for pod in world.pods if pod.key in base_world.KEYS), *world.hosts)
    for source in ends:
        for destination in ends:
            hosts = [end for end in (source, destination) if not isinstance(end, Pod)]
            if source is destination or len(hosts) > 1 or (hosts and hosts[0].node and hosts[0] is destination):
                continue
            if hosts and hosts[0].node in {end.node for end in (source, destination) if isinstance(end, Pod)}:
                continue
            yield source, destination


def _passes(chain: list[Line] | None, other: Endpoint, query: Query) -> bool:
    """Whether a chain lets a flow through."""
    if chain is None:
        return True
    address = next(_number(ip) for ip in other.ips if family_of(ip) is query.family)
    for line in chain:
        if line.matches(address, query.protocol, query.port):
            return line.returns
    return False


@lru_cache(PARSED)
def _number(ip: str) -> int:
    return int(ip_address(ip))
