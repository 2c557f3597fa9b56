"""A second evaluator of NetworkPolicy, to compare with the oracle: it follows the API reference literally.

It evaluates one flow at a time on manifests and shares only data types with the oracle. Where the reference leaves a
question open, it raises an exception, and `verdicts` evaluates the flow with both answers. So it finds undefined flows
by enumeration, while the oracle computes bounds.
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

NODE_ADDRESS = "is the unknown source address of the node in the block"
SERVICE_ADDRESS = "is the unknown address of the Service in the block"


class OpenQuestionError(Exception):
    """The specification does not answer a question on which the flow depends.

    Args:
        question: an ambiguity, or one of the constants of this module.
    """

    def __init__(self, question: str) -> None:
        self.question = question


def verdicts(world: World, manifests: list[Manifest], flow: tuple[str, str, Query], known: Answers) -> set[bool]:
    """Return the possible decisions about a flow (True is allowed) over all answers to open questions.

    Args:
        world: the pods, namespaces and hosts.
        manifests: NetworkPolicies, with the defaults of the API server.
        flow: keys of source and destination, and the port.
        known: answers that are fixed.
    """
    try:
        return {Evaluator(world, manifests, flow[2], known).passes(flow[0], flow[1])}
    except OpenQuestionError as error:
        return verdicts(world, manifests, flow, {**known, error.question: True}) | verdicts(
            world, manifests, flow, {**known, error.question: False}
        )


class Evaluator:
    """Decides flows on one port, with fixed answers to some open questions."""

    def __init__(self, world: World, manifests: list[Manifest], query: Query, answers: Answers) -> None:
        self.world, self.manifests, self.query, self.answers = world, manifests, query, answers

    def answer(self, question: str) -> bool:
        """Return the answer to an open question.

        Raises:
            OpenQuestionError: it has none yet.
        """
        if question not in self.answers:
            raise OpenQuestionError(question)
        return self.answers[question]

    def passes(self, source: str, destination: str) -> bool:
        """Return whether the flow is allowed."""
        sender = next(end for end in self.world.endpoints() if end.key == source)
        receiver = next(end for end in self.world.endpoints() if end.key == destination)
        if source == destination:
            if self.query.path != "service":
                return True  # "A Pod cannot block access to itself"
            if self.answer(Ambiguity.OWN_SERVICE_IS_EXEMPT):
                return True
        if sender.node != "" and sender.node == receiver.node:
            for end in (sender, receiver):
                if not isinstance(end, Pod) or end.host_network:
                    return True  # "traffic to and from the node where a Pod is running is always allowed"
        egress = self.allowed_in("Egress", sender, receiver, receiver)
        ingress = self.allowed_in("Ingress", receiver, sender, receiver)
        return egress and ingress

    def allowed_in(self, direction: str, subject: Endpoint, peer: Endpoint, receiver: Endpoint) -> bool:
        """Return whether the policies that isolate the subject in a direction allow the peer.

        Args:
            direction: Ingress or Egress.
            subject: the endpoint to which the policies apply.
            peer: the endpoint at the other end of the flow.
            receiver: the destination of the flow, which is one of the two.
        """
        isolating = [m for m in self.manifests if self.isolates(m, direction, subject)]
        if not isolating:
            return True
        for manifest in isolating:
            for rule in manifest["spec"].get(direction.lower(), []):
                if self.rule(rule, direction, manifest["metadata"]["namespace"], peer, receiver):
                    return True
        return False

    def isolates(self, manifest: Manifest, direction: str, subject: Endpoint) -> bool:
        """Return whether a policy isolates the subject in a direction."""
        if not isinstance(subject, Pod):
            return False
        if direction not in manifest["spec"]["policyTypes"]:
            return False
        if manifest["metadata"]["namespace"] != subject.namespace:
            return False
        if not self.selector(manifest["spec"]["podSelector"], dict(subject.labels)):
            return False
        if subject.host_network:
            return self.answer(Ambiguity.HOST_NETWORK_PODS_ARE_SUBJECTS)
        return True

    def selector(self, selector: Manifest, labels: dict[str, str]) -> bool:
        """Return whether a selector matches labels."""
        for key in selector.get("matchLabels", {}):
            if key not in labels or labels[key] != selector["matchLabels"][key]:
                return False
        for expression in selector.get("matchExpressions", []):
            exists = expression["key"] in labels
            is_in = exists and labels[expression["key"]] in expression.get("values", [])
            results = {"In": is_in, "NotIn": not is_in, "Exists": exists, "DoesNotExist": not exists}
            if not results[expression["operator"]]:
                return False
        return True

    def rule(self, rule: Manifest, direction: str, namespace: str, endpoint: Endpoint, receiver: Endpoint) -> bool:
        """Return whether a rule of a policy in a namespace matches both an endpoint and the port."""
        peers = rule.get("from" if direction == "Ingress" else "to", [])
        ports = rule.get("ports", [])
        if not peers:
            return self.ports(ports, peers, direction, receiver)
        matches = False
        for peer in peers:
            usable = ports
            names = [port for port in ports if isinstance(port.get("port"), str)]
            by_address = direction == "Egress" and "ipBlock" in peer
            # Names belong to pods and blocks have addresses; the API reference does not define the combination.
            if by_address and names and not self.answer(Ambiguity.NAMED_PORT_MATCHES_IN_BLOCK):
                usable = [port for port in ports if port not in names]
                if not usable:
                    continue
            if self.ports(usable, peers, direction, receiver) and self.peer(peer, direction, namespace, endpoint):
                matches = True
        return matches

    def peer(self, peer: Manifest, direction: str, namespace: str, endpoint: Endpoint) -> bool:
        """Return whether a peer of a policy in a namespace matches an endpoint."""
        if "ipBlock" in peer:
            return self.block(peer["ipBlock"], direction, endpoint)
        if not isinstance(endpoint, Pod):
            return False
        if "namespaceSelector" in peer:
            labels = {"kubernetes.io/metadata.name": endpoint.namespace}
            for candidate in self.world.namespaces:
                if candidate.name == endpoint.namespace:
                    labels = dict(candidate.labels) | labels
            if not self.selector(peer["namespaceSelector"], labels):
                return False
        elif endpoint.namespace != namespace:
            return False
        if "podSelector" in peer and not self.selector(peer["podSelector"], dict(endpoint.labels)):
            return False
        return self.answer(Ambiguity.HOST_NETWORK_PODS_ARE_PEERS) if endpoint.host_network else True

    def block(self, block: Manifest, direction: str, endpoint: Endpoint) -> bool:
        """Return whether an ipBlock contains an address of an endpoint."""
        via_service = self.query.path == "service" and direction == "Egress"
        if via_service and self.answers.get(Ambiguity.BLOCK_BEFORE_TRANSLATION, True):
            return self.answer(SERVICE_ADDRESS)
        inside = []
        ips = map(ipaddress.ip_address, endpoint.ips)
        for address in (ip for ip in ips if ip.version == self.query.family.version):
            contained = address in ipaddress.ip_network(block["cidr"], strict=False)
            for exception in block.get("except", []):
                if address in ipaddress.ip_network(exception, strict=False):
                    contained = False
            inside.append(contained)
        if True not in inside:
            return False
        if isinstance(endpoint, Pod):
            return self.answer(Ambiguity.BLOCK_MATCHES_PODS)
        if endpoint.node:
            return self.answer(Ambiguity.BLOCK_MATCHES_NODES) and (False not in inside or self.answer(NODE_ADDRESS))
        return True

    def ports(self, entries: list[Manifest], peers: list[Manifest], direction: str, receiver: Endpoint) -> bool:
        """Return whether a list of ports matches the flow; an empty list does."""
        if not entries:
            return True
        matches = False
        for entry in entries:
            if entry["protocol"] == self.query.protocol.upper():
                matches = self.port(entry, peers, direction, receiver) or matches
        return matches

    def port(self, entry: Manifest, peers: list[Manifest], direction: str, receiver: Endpoint) -> bool:
        """Return whether an entry for the flow's protocol matches its port."""
        if "port" not in entry:
            return True
        if isinstance(entry["port"], int):
            return bool(entry["port"] <= self.query.port <= entry.get("endPort", entry["port"]))
        if not isinstance(receiver, Pod):
            return direction == "Egress" and not peers and self.answer(Ambiguity.NAMED_PORT_MATCHES_OUTSIDE)
        for port in receiver.ports:
            if (port.name, port.protocol, port.number) == (entry["port"], self.query.protocol, self.query.port):
                return True
        return False
