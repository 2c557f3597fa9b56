"""New pods: D66."""

from __future__ import annotations

import contextlib
import secrets
import time
from typing import TYPE_CHECKING

from fixtures.probes import pods as probe_pods
from fixtures.probes.flows import to_pod
from fixtures.probes.pods import PORTS, PodPlan
from fixtures.testbed.testbed import NAMESPACES, Testbed
from fixtures.waiting import NeverHappenedError
from reports.outcome import Refuted
from suites.support.bounds import within
from suites.support.marks import requirement
from suites.support.policies import with_probers

if TYPE_CHECKING:
    from suites.support.expect import Expect

REQUIRED = 10.0  # seconds until a new pod is Ready and reachable: the requirement


@requirement("D66")
def test_a_new_pod_is_soon_reachable_from_every_node(testbed: Testbed, expect: Expect, family: str) -> None:
    """A pod created now on each node is Ready and answers pods of every node within 10 seconds."""
    suffix = secrets.token_hex(3)
    plans = [PodPlan(NAMESPACES[0], f"new-{node}-{suffix}", node) for node in testbed.nodes]
    clients = [testbed.probers[testbed.pods_on(node)[0].key].name for node in testbed.nodes]
    begun = time.monotonic()
    try:
        try:
            pods = probe_pods.create(testbed.kube, plans, patience=REQUIRED)
        except NeverHappenedError as error:
            raise Refuted(str(error), error.during) from error
        expect.facts["ready_seconds"] = round(time.monotonic() - begun, 2)
        flows = [to_pod(client, pod, "tcp", PORTS[0], family) for client in clients for pod in pods]
        with with_probers(testbed, *pods) as probers:
            expect.flows(flows, probers=probers, patience=REQUIRED)
        seconds = time.monotonic() - begun
        expect.facts["reachable_seconds"] = round(seconds, 2)
        within(seconds, REQUIRED, "reaching new pods", (begun, begun + seconds))
    finally:
        with contextlib.suppress(NeverHappenedError):  # D64 checks that pods end
            probe_pods.remove(testbed.kube, plans)
