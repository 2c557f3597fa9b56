"""A pod that sends flows from the start of its container, before anybody could ask it to."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fixtures import waiting
from fixtures.probes import messages
from fixtures.probes import pods as probe_pods
from fixtures.probes.attempting import EVERY, TIMEOUT
from fixtures.probes.messages import ContinuousTarget, StartAttempts, StartFlows, StopAttempts, StopFlows
from fixtures.probes.pods import CONTAINER
from fixtures.probes.windows import Series

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fixtures.kube.client import Object
    from fixtures.probes.messages import Request
    from fixtures.probes.pods import PodPlan
    from fixtures.probes.results import ContinuousFlow
    from fixtures.testbed.testbed import Testbed
    from policies.flow import Flow

CLIENT = "client"  # the container that sends
# The requests of $1 at once, those of $2 after $0 seconds.
SCRIPT = f'{{ echo "$1"; sleep "$0"; echo "$2"; sleep 1; }} | {" ".join(probe_pods.PROBE)}; sleep 3600'


@dataclass(frozen=True)
class FirstFlows:
    """What happened to the flows of a pod since its container started.

    Attributes:
        attempts: new flows to each target; times are seconds since the first flow.
        kept: for each target of TCP a connection that is used again and again, and made anew when it ends.
    """

    attempts: Sequence[Series]
    kept: Sequence[ContinuousFlow]


def pod_object(plan: PodPlan, flows: Sequence[Flow], seconds: float) -> Object:
    """The pod of a plan with a second container, which sends these flows for some seconds from its start on."""
    manifest = probe_pods.pod_object(plan)
    targets = [(flow.target.protocol, flow.target.host, flow.target.port) for flow in flows]
    connections = [ContinuousTarget("tcp", host, port, EVERY) for protocol, host, port in targets if protocol == "tcp"]
    begin: list[Request[Any]] = [StartAttempts(CLIENT, targets, EVERY, TIMEOUT), StartFlows(CLIENT, connections)]
    end: list[Request[Any]] = [StopAttempts(CLIENT), StopFlows(CLIENT, f"{plan.namespace}/{plan.name}")]
    lines = ["".join(messages.encode(0, request).decode() for request in some).strip() for some in (begin, end)]
    server = manifest["spec"]["containers"][0]
    client = {**server, "name": CLIENT, "command": ["sh", "-c", SCRIPT, str(seconds), *lines]}
    client.pop("ports")
    # The client first: containers are started in this order.
    manifest["spec"]["containers"] = [client, {**server, "name": CONTAINER}]
    return manifest


def read(testbed: Testbed, plan: PodPlan, flows: Sequence[Flow], patience: float) -> FirstFlows:
    """The results of the flows, once the pod has sent all of them.

    Raises:
        NeverHappenedError: they did not come within our patience.
    """
    answers: list[dict[str, object]] = []

    def complete() -> bool:
        log = testbed.kube.log(plan.namespace, plan.name, CLIENT, 10)
        answers[:] = [json.loads(line) for line in log.splitlines()]
        return len(answers) == len(("begun", "begun", "attempts", "connections"))

    waiting.until(complete, f"the first flows of pod {plan.name}", patience=patience)
    report = StopAttempts(CLIENT).read(answers[2])
    begun = min(rows[0].first for rows in report.flows if rows)
    series = [Series.of(flow, rows, -begun, EVERY) for flow, rows in zip(flows, report.flows, strict=True)]
    return FirstFlows(series, StopFlows(CLIENT, f"{plan.namespace}/{plan.name}").read(answers[3]))
