"""The network inside a pod: K04."""

from __future__ import annotations

import contextlib
import secrets
from typing import TYPE_CHECKING

from fixtures import world
from fixtures.probes import matrix
from fixtures.probes.client import Prober
from fixtures.probes.settling import settle
from fixtures.probes.stream import PodStream
from fixtures.testbed import NAMESPACES
from fixtures.world import PORTS, PodPlan
from policies.flow import Expected, Target
from suites.marks import requirement

if TYPE_CHECKING:
    from fixtures.testbed import Testbed
    from suites.expect import Expect

SECOND_PORT = 90


@requirement("K04")
def test_containers_of_a_pod_talk_over_loopback(testbed: Testbed, expect: Expect) -> None:
    """A container reaches another one of its pod on the loopback interface."""
    plan = PodPlan(NAMESPACES[0], f"two-{secrets.token_hex(3)}", testbed.nodes[0])
    pod = world.pod_object(plan)
    (agent,) = pod["spec"]["containers"]
    command = [*agent["command"][: -len(PORTS)], str(SECOND_PORT)]
    pod["spec"]["containers"].append({**agent, "name": "second", "command": command, "ports": []})
    testbed.kube.apply([pod])
    try:
        world.wait_ready(testbed.kube, [(plan.namespace, plan.name)], world.READY_PATIENCE)
        stream = PodStream(testbed.kube, plan.namespace, plan.name, world.PROBE, container="agent")
        address = "127.0.0.1" if "ipv4" in testbed.topology.families else "::1"
        flow = Expected(plan.name, "its second container", Target("tcp", address, SECOND_PORT))
        with contextlib.closing(Prober(plan.name, stream)) as prober:
            settled = settle(lambda: matrix.compare([flow], matrix.observe({plan.name: prober}, [flow])))
    finally:
        world.remove(testbed.kube, [plan])
    expect.nothing(settled.wrong, "a container does not reach another one of its pod")
