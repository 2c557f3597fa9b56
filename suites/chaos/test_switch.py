"""The backend is changed on a live cluster, as people do it: edit the ConfigMap, delete the agents' pods: K08."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from fixtures import waiting
from fixtures.clusters.protocol import BREAKABLE, run_on
from fixtures.cnis import agents, audits, catalogue, install
from fixtures.kube import MERGE
from fixtures.nodestate import Snapshot
from fixtures.probes import matrix
from fixtures.waiting import NeverHappenedError
from fixtures.world import PORTS
from policies.flow import Target
from reports import evidence
from reports.outcome import Refuted
from suites.expect import to_pod
from suites.marks import disturbs, needs, requirement

if TYPE_CHECKING:
    from fixtures.testbed import Testbed
    from suites.expect import Expect

CONFIG = "/api/v1/namespaces/kube-flannel/configmaps/kube-flannel-cfg"
STEPS = ("host-gw", "vxlan", "direct", "vxlan")  # variants, in this order; the last is where the cluster began
MARK = "/run/netproof-switch"
WRITTEN = ["test", "/run/flannel/subnet.env", "-nt", MARK]
PATIENCE = 30.0  # seconds until traffic is right after a step; our patience
EVERY = 0.05  # seconds between sends of the flows that go on


def configure(testbed: Testbed, variant: str) -> None:
    """Edit the ConfigMap, and delete every agent's pod, as the tutorials say."""
    backend = json.loads(catalogue.find(f"flannel:{variant}").variant.values["backend"])
    network = json.loads(testbed.kube.get(CONFIG)["data"]["net-conf.json"])
    data = {"net-conf.json": json.dumps({**network, "Backend": backend})}
    testbed.kube.request("PATCH", CONFIG, {"data": data}, content=MERGE)
    for node in testbed.nodes:
        run_on(testbed.cluster, node, ["touch", MARK])
    (agent,) = testbed.cni.agents
    old = {agents.delete(testbed.kube, agent, node)["metadata"]["uid"] for node in testbed.nodes}

    def replaced() -> bool:
        return not old & {pod["metadata"]["uid"] for pod in agents.pods(testbed.kube, agent)}

    waiting.until(replaced, "every agent's pod replaced", patience=PATIENCE)
    install.wait_until_works(testbed.cluster, testbed.kube, testbed.cni)

    def written() -> bool:
        return all(run_on(testbed.cluster, node, WRITTEN, check=False).code == 0 for node in testbed.nodes)

    waiting.until(written, "every agent writing its subnet file anew", patience=PATIENCE)


def traffic_right(testbed: Testbed) -> bool:
    """Whether pods of all nodes reach each other."""
    family = testbed.topology.families[0]
    flows = [
        to_pod(one.key, other, protocol, PORTS[0], family)
        for one, other in testbed.pairs(same_node=False)
        for protocol in ("tcp", "udp")
    ]
    return not matrix.compare(flows, matrix.observe(testbed.probers, flows))


def left_behind(testbed: Testbed, variant: str) -> list[str]:
    """What the audits of the variant find, and pods whose MTU is not the one that new pods would get."""
    plugin = catalogue.find(f"flannel:{variant}")
    known = audits.load(plugin)
    seen = testbed.snapshot(known.files)
    snapshot = Snapshot(seen.topology, plugin, seen.nodes, seen.objects)
    found = known.findings(snapshot)
    wanted = testbed.topology.mtu - plugin.variant.overhead
    mtus = {key: testbed.probers[key].mtu() for key in testbed.pods}
    return found + [f"{key}: MTU {mtu}, new pods get {wanted}" for key, mtu in mtus.items() if mtu != wanted]


def settled(testbed: Testbed, variant: str) -> list[str]:
    """What is left behind once it no longer changes."""
    what = f"nothing changing on {variant}"
    return waiting.unchanging(lambda: left_behind(testbed, variant), what, patience=PATIENCE, every=0.5)


def step(testbed: Testbed, variant: str) -> dict[str, Any]:
    """One change of the backend under traffic: what users noticed and what is left."""
    one, other = (testbed.pods_on(node)[0] for node in testbed.nodes[:2])
    family = testbed.topology.families[0]
    target = Target("udp", other.ip(family), PORTS[2])
    testbed.probers[one.key].start_flows("switch", [target], ["udp", "tcp", "connect"], EVERY)
    try:
        begun = time.monotonic()
        configure(testbed, variant)
        waiting.until(lambda: traffic_right(testbed), f"traffic right on {variant}", patience=PATIENCE)
        seconds = round(time.monotonic() - begun, 2)
    finally:
        flows = testbed.probers[one.key].stop_flows("switch")
    silent = {row["kind"]: row["longest"] for row in flows}
    return {"to": variant, "seconds": seconds, "longest": silent, "left": settled(testbed, variant)}


@requirement("K08")
@needs(BREAKABLE, "backend-switch")
@disturbs
def test_the_backend_is_changed_on_a_live_cluster(testbed: Testbed, expect: Expect) -> None:
    """From vxlan to host-gw, back, to DirectRouting and back traffic works after each; what is left is listed."""
    if len(testbed.nodes) < 2 or testbed.topology.behind_router:
        pytest.skip("host-gw needs two nodes at least, and all on one segment")
    steps: list[dict[str, Any]] = []
    expect.facts["steps"] = steps
    try:
        steps.extend(step(testbed, variant) for variant in STEPS)
    except NeverHappenedError as error:
        configure(testbed, STEPS[-1])
        raise Refuted(f"after {len(steps)} of {len(STEPS)} changes: {error}") from error
    lines = [
        f"to {row['to']}: right after {row['seconds']} s, longest silence {row['longest']}\n"
        + "\n".join(f"  left: {line}" for line in row["left"] or ["nothing"])
        for row in steps
    ]
    evidence.attach_text("what each change left behind", "\n".join(lines), expect.evidence)
