"""A port of the node that leads to one pod: D35."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from fixtures.clusters.protocol import EXTERNAL_HOST
from fixtures.probes import pods as probe_pods
from fixtures.probes.pods import PORTS, PodPlan
from fixtures.testbed.testbed import NAMESPACES, OUTSIDE, Testbed
from policies.flow import Flow, Target
from suites.support.marks import needs, requirement
from suites.support.policies import with_probers

if TYPE_CHECKING:
    from suites.support.expect import Expect

pytestmark = needs("host-port", "node-to-pod")
PATIENCE = 10.0  # seconds; our patience until the pod's server listens
PORTS_ON_NODE = {"ipv4": 28081, "ipv6": 28082}  # one per family: their cases may run at the same time


def to_host_port(testbed: Testbed, node: str, identity: str, family: str, *, outside: bool) -> list[Flow]:
    """Flows to the node's port from pods and nodes, from the external host, and on the node from its loopback."""
    address = testbed.hosts[node].ip(family)
    sources = [testbed.pods_on(name)[0].key for name in testbed.nodes]
    sources += [host.key for host in testbed.hosts.values()] + ([OUTSIDE] if outside else [])
    ways = [(source, address) for source in sources]
    if family == "ipv4":  # there is no route_localnet for IPv6
        ways.append((testbed.hosts[node].key, "127.0.0.1"))
    return [
        Flow(
            source,
            identity,
            Target(protocol, host, PORTS_ON_NODE[family]),
            identities=frozenset({identity}),
            server_port=PORTS[0],
        )
        for source, host in ways
        for protocol in ("tcp", "udp")
    ]


@requirement("D35")
def test_a_host_port_leads_to_its_pod_and_to_the_pod_that_replaces_it(
    testbed: Testbed, expect: Expect, family: str
) -> None:
    """A hostPort is reached from everywhere, by loopback too, and after a replacement leads to the new pod."""
    node = testbed.nodes[-1]
    ports = tuple((protocol, PORTS[0], PORTS_ON_NODE[family]) for protocol in ("tcp", "udp"))
    outside = EXTERNAL_HOST in testbed.cluster.capabilities
    for _ in range(2):
        plan = PodPlan(NAMESPACES[0], f"host-port-{secrets.token_hex(3)}", node, host_ports=ports)
        try:
            (pod,) = probe_pods.create(testbed.kube, [plan])
            flows = to_host_port(testbed, node, pod.key, family, outside=outside)
            with with_probers(testbed, pod) as probers:
                expect.flows(flows, probers=probers, patience=PATIENCE)
        finally:
            probe_pods.remove(testbed.kube, [plan])
