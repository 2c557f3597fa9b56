"""The network inside a pod: K04."""

from __future__ import annotations

import contextlib
import secrets
from typing import TYPE_CHECKING

from fixtures.probes import judging
from fixtures.probes import pods as probe_pods
from fixtures.probes.pods import PORTS, PodPlan
from fixtures.probes.prober import Prober
from fixtures.probes.stream import PodStream
from fixtures.testbed.testbed import NAMESPACES
from policies.flow import Flow, Target
from reports.outcome import Inconclusive
from suites.support.marks import requirement

if TYPE_CHECKING:
    from fixtures.probes.pods import ProbePod
    from fixtures.testbed.testbed import Testbed
    from suites.support.expect import Expect

SECOND_PORT = 90


@requirement("K04")
def test_containers_of_a_pod_talk_over_loopback(testbed: Testbed, expect: Expect) -> None:
    """A container reaches another container of its pod over the loopback interface."""
    plan = PodPlan(NAMESPACES[0], f"two-{secrets.token_hex(3)}", testbed.nodes[0])
    pod = probe_pods.pod_object(plan)
    (agent,) = pod["spec"]["containers"]
    command = [*agent["command"][: -len(PORTS)], str(SECOND_PORT)]
    pod["spec"]["containers"].append({**agent, "name": "second", "command": command, "ports": []})
    testbed.kube.apply([pod])
    try:
        (ready,) = probe_pods.wait_ready(testbed.kube, [(plan.namespace, plan.name)], probe_pods.READY_PATIENCE)
        require_second_container(testbed, ready)
        address = "127.0.0.1" if "ipv4" in testbed.topology.families else "::1"
        stream = PodStream(testbed.kube, plan.namespace, plan.name, probe_pods.PROBE, probe_pods.CONTAINER)
        with contextlib.closing(Prober(plan.name, stream)) as prober:
            flow = Flow(plan.name, "its second container", Target("tcp", address, SECOND_PORT))
            expect.flows([flow], probers={plan.name: prober})
    finally:
        probe_pods.remove(testbed.kube, [plan])


def require_second_container(testbed: Testbed, pod: ProbePod) -> None:
    """Check from a neighbour that the second container answers; loopback, the usual control, is under test here.

    Raises:
        Inconclusive: it does not.
    """
    address = pod.ip(testbed.topology.families[0])
    flow = Flow(testbed.pods_on(pod.node)[0].key, pod.key, Target("tcp", address, SECOND_PORT))
    if not judging.settle(judging.Batch(testbed.probers, [flow])).right:
        raise Inconclusive(f"the second container of {pod.key} does not answer its neighbour either")
