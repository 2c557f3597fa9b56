"""A node that comes and goes: D67.

The node is a Node object with a lease and no machine behind it: what its peers' kernels do about it is what counts.
"""

from __future__ import annotations

import json
import secrets
import time
from typing import TYPE_CHECKING

import pytest

from fixtures.clusters.protocol import NODE_COMMANDS, run_on
from fixtures.clusters.topology import POD_NETWORK
from suites.marks import disturbs, needs, requirement

if TYPE_CHECKING:
    from fixtures.kube import Object
    from fixtures.testbed import Testbed
    from suites.expect import Expect

REQUIRED = 10.0  # seconds until every node has a new node's state, or has lost a removed one's: the requirement
NUMBER = 250  # of the pod network that the node gets: beyond any real node's
ANNOTATION = "flannel.alpha.coreos.com/"


def ghost(testbed: Testbed) -> Object:
    """A Node with a flannel lease like its peers', addressed by the first node's segment."""
    peer = testbed.kube.nodes()[0]["metadata"]["annotations"]
    annotations = {key: value for key, value in peer.items() if key.startswith(ANNOTATION)}
    address = testbed.topology.control_plane_ip("ipv4")  # on the segment, and no node's
    annotations[f"{ANNOTATION}public-ip"] = address
    data = json.loads(annotations.get(f"{ANNOTATION}backend-data", "null"))
    if data:
        data["VtepMAC"] = "02:00:00:00:00:01"
        annotations[f"{ANNOTATION}backend-data"] = json.dumps(data)
    cidr = str(list(POD_NETWORK["ipv4"].subnets(new_prefix=24))[NUMBER])
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": f"ghost-{secrets.token_hex(3)}", "annotations": annotations},
        "spec": {"podCIDR": cidr, "podCIDRs": [cidr], "unschedulable": True},
    }


def without_state(testbed: Testbed, cidr: str, *, wanted: bool) -> list[str]:
    """The nodes that have no route to a pod network, or those that have one."""
    command = ["sh", "-c", f"ip route show {cidr}; ip neigh show | grep -F {cidr.split('/', maxsplit=1)[0]} || true"]
    found = {node: run_on(testbed.cluster, node, command).out.strip() for node in testbed.nodes}
    return [f"{node}: {said or 'no route'}" for node, said in found.items() if bool(said) != wanted]


@requirement("D67")
@needs(NODE_COMMANDS, "node-routes", "pod-cidr")
@disturbs
def test_routes_follow_nodes_that_come_and_go(testbed: Testbed, expect: Expect) -> None:
    """Within ten seconds every node has the route to a new node's pod network, or has dropped a removed one's."""
    if "ipv4" not in testbed.topology.families or len(testbed.topology.families) > 1:
        pytest.skip("the node of this case has an IPv4 lease only")
    node = ghost(testbed)
    cidr = node["spec"]["podCIDR"]
    testbed.kube.apply([node])
    try:
        begun = time.monotonic()
        what = "a new node's state is missing"
        expect.nothing_soon(lambda: without_state(testbed, cidr, wanted=True), what, patience=REQUIRED)
        expect.facts["added_seconds"] = round(time.monotonic() - begun, 2)
    finally:
        testbed.kube.delete(node)
    begun = time.monotonic()
    what = "a removed node's state is left"
    expect.nothing_soon(lambda: without_state(testbed, cidr, wanted=False), what, patience=REQUIRED)
    expect.facts["removed_seconds"] = round(time.monotonic() - begun, 2)
