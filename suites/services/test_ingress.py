"""The path of an Ingress: a proxy pod in the host network between external clients and a Service: S03."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from fixtures.clusters.protocol import EXTERNAL_HOST
from fixtures.probes import pods as probe_pods
from fixtures.probes.pods import PORTS, PodPlan
from fixtures.testbed.testbed import HOST_NAMESPACE, OUTSIDE
from policies.families import Family
from policies.flow import CONNECTED, Flow, Target
from reports.outcome import Inconclusive, Refuted
from suites.support.marks import needs, requirement

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fixtures.testbed.services import Services
    from fixtures.testbed.testbed import Testbed
    from suites.support.expect import Expect

PATIENCE = 15.0  # seconds; our patience until the proxy listens and its Service is programmed
FIRST_PORT = 18090  # on the node; one per family


def proxy(testbed: Testbed, node: str, port: int, address: str) -> tuple[PodPlan, dict[str, Any]]:
    """A proxy pod in a node's network that leads to a Service."""
    plan = PodPlan(HOST_NAMESPACE, f"ingress-{port}", node, host_network=True)
    pod = probe_pods.pod_object(plan)
    (container,) = pod["spec"]["containers"]
    container["command"] = [*probe_pods.AGENT_COMMAND, "relay", str(port), address, str(PORTS[0])]
    testbed.kube.apply([pod])
    return plan, pod


@contextmanager
def beside_a_listening_proxy(testbed: Testbed, node: str, port: int, family: str) -> Iterator[None]:
    """A refutation inside counts only if the proxy on a node accepts connections of its own node.

    Raises:
        Inconclusive: it does not.
    """
    __tracebackhide__ = True
    try:
        yield
    except Refuted as error:
        own = Target("tcp", Family(family).loopback, port)
        if (outcome := testbed.probers[testbed.hosts[node].key].crafted(own)) != CONNECTED:
            raise Inconclusive(f"the proxy on {node} does not listen on port {port}: {outcome}") from error
        raise


@requirement("S03")
@needs(EXTERNAL_HOST, "services", "node-to-pod")
def test_a_proxy_in_the_host_network_leads_to_a_service(
    testbed: Testbed, expect: Expect, services: Services, family: str
) -> None:
    """An external client reaches a Service's pod on another node through a proxy pod, as through an Ingress."""
    node = next((name for name in testbed.nodes if name != services.home), services.home)
    port = FIRST_PORT + (family == "ipv6")
    plan, _ = proxy(testbed, node, port, services.cluster_ip(f"one-{services.home}", family))
    try:
        target = Target("tcp", testbed.hosts[node].ip(family), port)
        identities = frozenset({services.endpoint.key})
        sources = testbed.addresses_of(node, family)  # the proxy is the client
        flow = Flow(OUTSIDE, "ingress", target, identities=identities, sources=sources, server_port=PORTS[0])
        with beside_a_listening_proxy(testbed, node, port, family):
            expect.flows([flow], patience=PATIENCE)
    finally:
        probe_pods.remove(testbed.kube, [plan])
