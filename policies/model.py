"""The nouns of NetworkPolicy as frozen values: what the API means, with its defaults filled in.

Source: networking.k8s.io/v1 API reference; numbers of clauses are those of policies/clauses.yaml.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

Labels = tuple[tuple[str, str], ...]  # sorted by key, one entry a key
Direction = Literal["Ingress", "Egress"]
Operator = Literal["In", "NotIn", "Exists", "DoesNotExist"]
Protocol = Literal["tcp", "udp", "sctp"]  # serialization.py and messages write them in capitals, as the API does

INGRESS: Direction = "Ingress"
EGRESS: Direction = "Egress"
PROTOCOLS: tuple[Protocol, ...] = ("tcp", "udp", "sctp")
FINISHED = ("Succeeded", "Failed")
NAMESPACE_LABEL = "kubernetes.io/metadata.name"


@dataclass(frozen=True)
class Expression:
    """One requirement of a selector's matchExpressions; values is empty for Exists and DoesNotExist."""

    key: str
    operator: Operator
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Selector:
    """A label selector: all of its labels and all of its expressions have to hold (clause 17)."""

    labels: Labels = ()
    expressions: tuple[Expression, ...] = ()


EVERYTHING = Selector()


@dataclass(frozen=True)
class PodPeer:
    """Pods by selectors; a selector that is None was not written, which differs from an empty one (clause 16)."""

    namespaces: Selector | None = None
    pods: Selector | None = None


@dataclass(frozen=True)
class IpBlock:
    """Addresses of a CIDR without those of its exceptions, as written."""

    cidr: str
    exceptions: tuple[str, ...] = ()


Peer = PodPeer | IpBlock


@dataclass(frozen=True)
class PortRule:
    """Ports of one protocol: None for all of them, a number, a range to `end` inclusive, or a port's name."""

    protocol: Protocol = "tcp"
    port: int | str | None = None
    end: int | None = None


@dataclass(frozen=True)
class Rule:
    """What a policy lets through: from or to any of the peers, to any of the ports; none of a kind means all."""

    peers: tuple[Peer, ...] = ()
    ports: tuple[PortRule, ...] = ()


@dataclass(frozen=True)
class Policy:
    """A NetworkPolicy whose policyTypes are decided.

    Attributes:
        namespace: where it is, and whose pods it selects.
        name: its name.
        subject: the pods it isolates.
        types: the directions it isolates them in.
        ingress: rules for connections to them; without effect when types lacks Ingress (clause 9).
        egress: rules for connections from them.
    """

    namespace: str
    name: str
    subject: Selector = EVERYTHING
    types: frozenset[Direction] = frozenset({INGRESS})
    ingress: tuple[Rule, ...] = ()
    egress: tuple[Rule, ...] = ()

    @property
    def key(self) -> str:
        """namespace/name."""
        return f"{self.namespace}/{self.name}"

    def rules(self, direction: Direction) -> tuple[Rule, ...]:
        """The rules of a direction."""
        return self.ingress if direction == INGRESS else self.egress


@dataclass(frozen=True)
class ContainerPort:
    """A port that a pod declares; name is "" where it has none (clause 39)."""

    number: int
    name: str = ""
    protocol: Protocol = "tcp"


@dataclass(frozen=True)
class Namespace:
    """A namespace; the API adds the label with its name (clause 19)."""

    name: str
    labels: Labels = ()

    def all_labels(self) -> dict[str, str]:
        """Its labels with the one that the control plane sets."""
        return {**dict(self.labels), NAMESPACE_LABEL: self.name}


@dataclass(frozen=True)
class Pod:
    """A pod.

    Attributes:
        namespace: its namespace.
        name: its name.
        labels: its labels.
        node: where it runs.
        ips: its addresses, at most one of a family.
        ports: the ports it declares, over all of its containers.
        host_network: whether its addresses are its node's.
        phase: Pending, Running, Succeeded, Failed or Unknown.
        born: how many pods of this name were there before it; policies do not ask.
    """

    namespace: str
    name: str
    labels: Labels = ()
    node: str = ""
    ips: tuple[str, ...] = ()
    ports: tuple[ContainerPort, ...] = ()
    host_network: bool = False
    phase: str = "Running"
    generation: int = 0

    @property
    def key(self) -> str:
        """namespace/name."""
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True)
class Host:
    """An end of flows that is no pod: a node, where `node` says which, or a machine outside the cluster.

    A node has several addresses of a family, and which one it sends from depends on the plugin.
    """

    name: str
    ips: tuple[str, ...]
    node: str = ""

    @property
    def key(self) -> str:
        """Its name; it has no namespace."""
        return self.name


Endpoint = Pod | Host


@dataclass(frozen=True)
class World:
    """Everything that a verdict depends on."""

    namespaces: tuple[Namespace, ...] = ()
    pods: tuple[Pod, ...] = ()
    policies: tuple[Policy, ...] = ()
    hosts: tuple[Host, ...] = field(default=())

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Everything that can send and answer: pods that have not ended (clause 64), and hosts."""
        return (*(pod for pod in self.pods if pod.phase not in FINISHED), *self.hosts)

    def namespace(self, name: str) -> Namespace:
        """A namespace by name; one that nobody listed has only the label with its name."""
        return next((found for found in self.namespaces if found.name == name), Namespace(name))

    def with_policies(self, *policies: Policy) -> World:
        """The same with other policies."""
        return replace(self, policies=policies)


def port_text(protocol: str, port: int) -> str:
    """A port of a protocol as messages and case files write it: TCP/80."""
    return f"{protocol.upper()}/{port}"


def labels(mapping: dict[str, str]) -> Labels:
    """Labels from a mapping."""
    return tuple(sorted(mapping.items()))
