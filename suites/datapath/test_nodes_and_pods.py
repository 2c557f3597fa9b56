"""Nodes and host-network pods reach pods, and pods reach nodes: D07 to D10.

A pod in the host network stands for its node: it sends from the node's addresses through the node's routes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fixtures.probes.flows import to_pod
from fixtures.probes.pods import PORTS, ProbePod
from fixtures.testbed.testbed import HOST_PORTS, Testbed
from policies.flow import Flow, Target
from suites.support.marks import needs, requirement

if TYPE_CHECKING:
    from suites.support.expect import Expect


def to_node(source: str, testbed: Testbed, node: str, protocol: str, family: str) -> Flow:
    """A flow to a node's address, which its host-network pod has to answer."""
    host = testbed.hosts[node]
    target = Target(protocol, host.ip(family), HOST_PORTS[0])
    return Flow(source, host.key, target, identities=frozenset({host.key}))


def node_to_pods(testbed: Testbed, family: str, *, local: bool) -> list[tuple[ProbePod, Flow]]:
    """Flows from every node's host-network pod to the pods of its own or of other nodes."""
    return [
        (host, to_pod(host.key, pod, protocol, PORTS[0], family, sources=testbed.addresses_of(node, family)))
        for node, host in testbed.hosts.items()
        for pod in testbed.pods.values()
        for protocol in ("tcp", "udp")
        if (pod.node == node) == local
    ]


@requirement("D07")
@needs("node-to-pod")
def test_host_network_pods_and_pods_reach_each_other(testbed: Testbed, expect: Expect, family: str) -> None:
    """Every host-network pod reaches every pod, and every pod every host-network pod."""
    outward = [
        to_pod(host.key, pod, protocol, PORTS[0], family)
        for host in testbed.hosts.values()
        for pod in testbed.pods.values()
        for protocol in ("tcp", "udp")
    ]
    inward = [
        to_node(pod.key, testbed, node, protocol, family)
        for pod in testbed.pods.values()
        for node in testbed.nodes
        for protocol in ("tcp", "udp")
    ]
    expect.flows(outward + inward)


@requirement("D08")
@needs("node-to-pod")
def test_a_node_reaches_its_own_pods(testbed: Testbed, expect: Expect, family: str) -> None:
    """A node connects to the pods it runs, from an address of its own."""
    expect.flows([flow for _, flow in node_to_pods(testbed, family, local=True)])


@requirement("D09")
@needs("node-to-pod")
def test_a_node_reaches_pods_of_other_nodes(testbed: Testbed, expect: Expect, family: str) -> None:
    """A node connects to the pods of other nodes, and they see an address of that node."""
    expect.flows([flow for _, flow in node_to_pods(testbed, family, local=False)])


@requirement("D10")
@needs("node-to-pod")
def test_a_pod_reaches_itself_and_every_node(testbed: Testbed, expect: Expect, family: str) -> None:
    """A pod reaches its own address, its own node's address and every other node's."""
    to_itself = [
        to_pod(pod.key, pod, protocol, PORTS[0], family, sources=frozenset({pod.ip(family)}))
        for pod in testbed.pods.values()
        for protocol in ("tcp", "udp")
    ]
    to_nodes = [
        to_node(pod.key, testbed, node, protocol, family)
        for pod in testbed.pods.values()
        for node in testbed.nodes
        for protocol in ("tcp", "udp")
    ]
    expect.flows(to_itself + to_nodes)
