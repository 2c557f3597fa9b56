"""NetworkPolicy and what it applies to as frozen values, with the defaults of the API filled in.

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
    """A label selector: all of its labels and all of its expressions have to match (clause 17)."""

    labels: Labels = ()
    expressions: tuple[Expression, ...] = ()


EVERYTHING = Selector()


@dataclass(frozen=True)
class PodPeer:
    """Pods by selectors; None is an absent selector, which differs from an empty one (clause 16)."""

    namespaces: Selector | None = None
    pods: Selector | None = None


@dataclass(frozen=True)
class IpBlock:
    """An ipBlock: the addresses of a CIDR without those of its exceptions; CIDRs are not normalised."""

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
    """Allows traffic from or to any of the peers, on any of the ports; no peers means all, no ports means all."""

    peers: tuple[Peer, ...] = ()
    ports: tuple[PortRule, ...] = ()


@dataclass(frozen=True)
class Policy:
    """A NetworkPolicy with explicit policyTypes.

    Attributes:
        namespace: its own, from which it selects pods.
        name: its name.
        subject: the pods it isolates.
        types: the directions it isolates them in.
        ingress: rules for connections to them; no effect if types lacks Ingress (clause 9).
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
    """A port that a pod declares; name is "" if it has none (clause 39)."""

    number: int
    name: str = ""
    protocol: Protocol = "tcp"


@dataclass(frozen=True)
class Namespace:
    """A namespace; the API adds the label with its name (clause 19)."""

    name: str
    labels: Labels = ()

    def all_labels(self) -> dict[str, str]:
        """Its labels, with the one that the control plane sets."""
        return {**dict(self.labels), NAMESPACE_LABEL: self.name}


@dataclass(frozen=True)
class Pod:
    """A pod.

    Attributes:
        namespace: its namespace.
        name: its name.
        labels: its labels.
        node: the node that it runs on.
        ips: its addresses, at most one of a family.
        ports: the ports it declares, over all of its containers.
        host_network: whether it shares the network of its node.
        phase: Pending, Running, Succeeded, Failed or Unknown.
        generation: how many pods had its name before; policies do not depend on it.
        ending: whether it is being deleted, and still runs; policies do not depend on it (clause 65).
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
    ending: bool = False

    @property
    def key(self) -> str:
        """namespace/name."""
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True)
class Host:
    """A node (`node` is its name), or an external host (`node` is "").

    A node has several addresses of a family; which of them it sends from depends on the plugin.
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
    """Everything that decisions depend on.

    Attributes:
        namespaces: all of them.
        pods: in all namespaces.
        policies: in the order in which they were created.
        hosts: nodes, and external hosts.
        layout: number of the layout of its pods (layouts.py); policies do not depend on it.
    """

    namespaces: tuple[Namespace, ...] = ()
    pods: tuple[Pod, ...] = ()
    policies: tuple[Policy, ...] = ()
    hosts: tuple[Host, ...] = field(default=())
    layout: int = 0

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Pods that have not completed (clause 64), and hosts."""
        return (*(pod for pod in self.pods if pod.phase not in FINISHED), *self.hosts)

    def namespace(self, name: str) -> Namespace:
        """A namespace by name; an unlisted one has only the label with its name."""
        return next((namespace for namespace in self.namespaces if namespace.name == name), Namespace(name))

    def with_policies(self, *policies: Policy) -> World:
        """The same world with other policies."""
        return replace(self, policies=policies)


def port_text(protocol: str, port: int) -> str:
    """A port of a protocol as messages and case files write it: TCP/80."""
    return f"{protocol.upper()}/{port}"


def labels(mapping: dict[str, str]) -> Labels:
    """Labels from a mapping."""
    return tuple(sorted(mapping.items()))
