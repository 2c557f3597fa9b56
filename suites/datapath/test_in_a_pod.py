"""The network inside a pod: K04."""

from __future__ import annotations

import contextlib
import secrets
from typing import TYPE_CHECKING

from fixtures import world
from fixtures.probes.client import Prober
from fixtures.probes.stream import PodStream
from fixtures.testbed import NAMESPACES
from fixtures.world import PORTS, PodPlan
from policies.flow import Expected, Target
from suites.marks import requirement

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fixtures.testbed import Testbed
    from suites.expect import Expect

SECOND_PORT = 90


@contextlib.contextmanager
def probers_in(testbed: Testbed, plan: PodPlan, containers: tuple[str, ...]) -> Iterator[dict[str, Prober]]:
    """A prober in each of a pod's containers, by the container's name."""
    with contextlib.ExitStack() as closing:
        made: dict[str, Prober] = {}
        for name in containers:
            stream = PodStream(testbed.kube, plan.namespace, plan.name, world.PROBE, name)
            made[name] = closing.enter_context(contextlib.closing(Prober(name, stream)))
        yield made


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
        address = "127.0.0.1" if "ipv4" in testbed.topology.families else "::1"
        flow = Expected(world.CONTAINER, "second", Target("tcp", address, SECOND_PORT), server="second")
        with probers_in(testbed, plan, (world.CONTAINER, "second")) as probers:
            expect.flows([flow], probers=probers)
    finally:
        world.remove(testbed.kube, [plan])
