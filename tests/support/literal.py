"""The second evaluator: one flow at a time, on manifests, word by word as the API reference says it.

Nothing of policies/ but its nouns is used.  Where the text leaves something open it asks, and `verdicts` tries
both answers; so what is undefined comes out by trying, not by reasoning.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

from policies.ambiguities import Ambiguity
from policies.model import Pod

if TYPE_CHECKING:
    from policies.model import Endpoint, World
    from policies.oracle import Query

Manifest = dict[str, Any]
Answers = dict[str, bool]

NODE_ADDRESS = "is the address that the node sends from, which nobody here knows, in the block"
SERVICE_ADDRESS = "is the Service's address, which nobody here knows, in the block"


class AskedError(Exception):
    """The text does not say; somebody has to answer."""

    def __init__(self, question: str) -> None:
        self.question = question


def verdicts(world: World, manifests: list[Manifest], flow: tuple[str, str, Query], known: Answers) -> set[bool]:
    """Everything that a flow may come to, over all answers to what is not known."""
    try:
        return {Evaluator(world, manifests, flow[2], known).passes(flow[0], flow[1])}
    except AskedError as asked:
        return verdicts(world, manifests, flow, {**known, asked.question: True}) | verdicts(
            world, manifests, flow, {**known, asked.question: False}
        )


class Evaluator:
    """Decides flows."""

    def __init__(self, world: World, manifests: list[Manifest], query: Query, answers: Answers) -> None:
        self.world, self.manifests, self.query, self.answers = world, manifests, query, answers

    def ask(self, question: str) -> bool:
        """An answer that the text does not give."""
        if question not in self.answers:
            raise AskedError(question)
        return self.answers[question]

    def passes(self, source: str, destination: str) -> bool:
        """Whether the flow gets through."""
        sender = next(end for end in self.world.endpoints() if end.key == source)
        receiver = next(end for end in self.world.endpoints() if end.key == destination)
        if source == destination:
            if self.query.path != "service":
                return True  # "A Pod cannot block access to itself"
            if self.ask(Ambiguity.OWN_SERVICE_IS_EXEMPT):
                return True
        if sender.node != "" and sender.node == receiver.node:
            for end in (sender, receiver):
                if not isinstance(end, Pod) or end.host_network:
                    return True  # "traffic to and from the node where a Pod is running is always allowed"
        leaves = self.one_way("Egress", sender, receiver, receiver)
        arrives = self.one_way("Ingress", receiver, sender, receiver)
        return leaves and arrives

    def one_way(self, direction: str, subject: Endpoint, other: Endpoint, receiver: Endpoint) -> bool:
        """Whether the policies that isolate the subject in a direction, together, let the other through."""
        isolating = [m for m in self.manifests if self.isolates(m, direction, subject)]
        if not isolating:
            return True
        for manifest in isolating:
            for rule in manifest["spec"].get(direction.lower(), []):
                if self.rule(rule, direction, manifest["metadata"]["namespace"], other, receiver):
                    return True
        return False

    def isolates(self, manifest: Manifest, direction: str, subject: Endpoint) -> bool:
        """Whether a policy selects the subject for a direction."""
        if not isinstance(subject, Pod):
            return False
        if direction not in manifest["spec"]["policyTypes"]:
            return False
        if manifest["metadata"]["namespace"] != subject.namespace:
            return False
        if not self.selector(manifest["spec"]["podSelector"], dict(subject.labels)):
            return False
        if subject.host_network:
            return self.ask(Ambiguity.HOST_NETWORK_PODS_ARE_SUBJECTS)
        return True

    def selector(self, selector: Manifest, labels: dict[str, str]) -> bool:
        """Whether a selector matches labels."""
        for key in selector.get("matchLabels", {}):
            if key not in labels or labels[key] != selector["matchLabels"][key]:
                return False
        for expression in selector.get("matchExpressions", []):
            there = expression["key"] in labels
            one_of = there and labels[expression["key"]] in expression.get("values", [])
            holds = {"In": one_of, "NotIn": not one_of, "Exists": there, "DoesNotExist": not there}
            if not holds[expression["operator"]]:
                return False
        return True

    def rule(self, rule: Manifest, direction: str, home: str, other: Endpoint, receiver: Endpoint) -> bool:
        """Whether a rule matches both the other end and the port."""
        peers = rule.get("from" if direction == "Ingress" else "to", [])
        ports = rule.get("ports", [])
        if not peers:
            return self.ports(ports, peers, direction, receiver)
        found = False
        for peer in peers:
            usable = ports
            names = [port for port in ports if isinstance(port.get("port"), str)]
            by_address = direction == "Egress" and "ipBlock" in peer
            # A name belongs to a pod, and a block to addresses: whether one counts for the other nobody says.
            if by_address and names and not self.ask(Ambiguity.NAMED_PORT_MATCHES_IN_BLOCK):
                usable = [port for port in ports if port not in names]
                if not usable:
                    continue
            if self.ports(usable, peers, direction, receiver) and self.peer(peer, direction, home, other):
                found = True
        return found

    def peer(self, peer: Manifest, direction: str, home: str, other: Endpoint) -> bool:
        """Whether a peer describes the other end."""
        if "ipBlock" in peer:
            return self.block(peer["ipBlock"], direction, other)
        if not isinstance(other, Pod):
            return False
        if "namespaceSelector" in peer:
            labels = {"kubernetes.io/metadata.name": other.namespace}
            for namespace in self.world.namespaces:
                if namespace.name == other.namespace:
                    labels = dict(namespace.labels) | labels
            if not self.selector(peer["namespaceSelector"], labels):
                return False
        elif other.namespace != home:
            return False
        if "podSelector" in peer and not self.selector(peer["podSelector"], dict(other.labels)):
            return False
        return self.ask(Ambiguity.HOST_NETWORK_PODS_ARE_PEERS) if other.host_network else True

    def block(self, block: Manifest, direction: str, other: Endpoint) -> bool:
        """Whether an ipBlock holds the other end's address."""
        by_service = self.query.path == "service" and direction == "Egress"
        if by_service and self.answers.get(Ambiguity.BLOCK_BEFORE_TRANSLATION, True):
            return self.ask(SERVICE_ADDRESS)
        inside = []
        for address in (ip for ip in map(ipaddress.ip_address, other.ips) if ip.version == self.query.family.version):
            there = address in ipaddress.ip_network(block["cidr"], strict=False)
            for exception in block.get("except", []):
                if address in ipaddress.ip_network(exception, strict=False):
                    there = False
            inside.append(there)
        if True not in inside:
            return False
        if isinstance(other, Pod):
            return self.ask(Ambiguity.BLOCK_MATCHES_PODS)
        if other.node:
            return self.ask(Ambiguity.BLOCK_MATCHES_NODES) and (False not in inside or self.ask(NODE_ADDRESS))
        return True

    def ports(self, entries: list[Manifest], peers: list[Manifest], direction: str, receiver: Endpoint) -> bool:
        """Whether a list of ports holds the flow's."""
        if not entries:
            return True
        found = False
        for entry in entries:
            if entry["protocol"] == self.query.protocol.upper():
                found = self.port(entry, peers, direction, receiver) or found
        return found

    def port(self, entry: Manifest, peers: list[Manifest], direction: str, receiver: Endpoint) -> bool:
        """Whether an entry of the flow's protocol holds its port."""
        if "port" not in entry:
            return True
        if isinstance(entry["port"], int):
            return bool(entry["port"] <= self.query.port <= entry.get("endPort", entry["port"]))
        if not isinstance(receiver, Pod):
            return direction == "Egress" and not peers and self.ask(Ambiguity.NAMED_PORT_MATCHES_OUTSIDE)
        for port in receiver.ports:
            if (port.name, port.protocol, port.number) == (entry["port"], self.query.protocol, self.query.port):
                return True
        return False
