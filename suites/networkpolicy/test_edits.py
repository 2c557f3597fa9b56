"""Policies that are replaced at once, and long policies that are edited twice at once: N13, N14."""

from __future__ import annotations

import time
from dataclasses import dataclass
from ipaddress import ip_network
from typing import TYPE_CHECKING

import pytest

from fixtures import waiting
from fixtures.kube.client import ApiRefusedError
from fixtures.kube.paths import path
from fixtures.probes.pods import PORTS
from fixtures.workspaces.judge import profile_of
from policies.ambiguities import Ambiguity, definitely
from policies.families import Family
from policies.flow import DENIED
from reports.outcome import Inconclusive
from suites.support.marks import isolates, needs, requirement
from suites.support.policies import (
    LOST,
    NAMESPACE,
    PATIENCE,
    allow_ingress_from,
    allowed,
    denied,
    enforced,
    pod_selector,
    policy,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fixtures.kube.client import Object
    from fixtures.probes.pods import ProbePod
    from fixtures.testbed.testbed import Testbed
    from policies.flow import Flow
    from suites.support.expect import Expect

CONFLICT = 409
AT_FIRST = (
    0.3  # seconds until a flow counts as lost before a case edits anything, which only makes denials certain sooner
)
POLICIES = 10  # policies that are replaced, twice each
AT_ONCE = 0.1  # seconds between the deletion and the creation of a replaced policy: the requirement
BLOCKS = 300  # ipBlocks in each direction of a long policy
REPLACED = BLOCKS // 3  # blocks that an edit of a long policy replaces, besides those of pods
BOTH_EDITS = 1.0  # seconds for two edits: the requirement
UNUSED = {Family.IPV4: "198.18.0.0/15", Family.IPV6: "2001:db8::/32"}  # networks for benchmarks and documentation
PLACES = 3  # of a list: its beginning, middle and end
KEPT = (True, True, True)  # whether a block is in a policy: at first, after one edit, after two


def pods_of_policies(testbed: Testbed) -> list[ProbePod]:
    """The pods of the testbed that policies of its first namespace select, and that a podSelector there matches."""
    return [pod for pod in testbed.pods.values() if pod.namespace == NAMESPACE]


def replace(testbed: Testbed, manifest: Object) -> float:
    """Delete a policy and create it again with another spec.

    Returns the seconds from the request to delete until the response to the request to create, the last one if the
    deleted policy is slow to end, as with a finalizer.
    """
    root = path("networkpolicies", namespace=NAMESPACE)

    def created() -> bool:
        try:
            testbed.kube.request("POST", root, manifest)
        except ApiRefusedError as error:
            if error.status != CONFLICT:
                raise
            return False
        return True

    begun = time.monotonic()
    testbed.kube.delete(manifest)
    waiting.until(created, f"the end of policy {manifest['metadata']['name']}", patience=PATIENCE)
    return time.monotonic() - begun


def admitting(number: int, server: ProbePod, flow: Flow) -> Object:
    """The policy with a number, which isolates a server and admits one flow."""
    client = pod_selector({"app": flow.source.partition("/")[2]})
    spec = allow_ingress_from(server, client)
    spec["ingress"][0]["ports"] = [{"protocol": flow.target.protocol.upper(), "port": flow.target.port}]
    return policy(f"replaced-{number}", spec)


@requirement("N13")
@needs("network-policy")
@isolates
def test_a_policy_that_is_replaced_at_once_is_the_new_one(testbed: Testbed, expect: Expect, family: Family) -> None:
    """After ten policies are each deleted and at once created anew, twice, traffic is as their last specs say."""
    server, *clients = pods_of_policies(testbed)
    ends = [(pod, protocol, port) for pod in clients for protocol in ("tcp", "udp") for port in PORTS]
    before, after = ends[::2][:POLICIES], ends[1::2][:POLICIES]
    old = [allowed(pod, server, family, protocol, port) for pod, protocol, port in before]
    new = [allowed(pod, server, family, protocol, port) for pod, protocol, port in after]
    with enforced(testbed, *(admitting(number, server, flow) for number, flow in enumerate(old))):
        closed = [denied(pod, server, family, protocol, port) for pod, protocol, port in after]
        expect.flows(closed, timeout=AT_FIRST, patience=PATIENCE)
        expect.flows(old, patience=PATIENCE)
        specs = [*enumerate(old[::-1]), *enumerate(new)]
        seconds = [replace(testbed, admitting(number, server, flow)) for number, flow in specs]
        quick = sum(each <= AT_ONCE for each in seconds)
        expect.facts |= {"replaced": len(seconds), "within 0.1 s": quick, "slowest, seconds": round(max(seconds), 3)}
        closed = [denied(pod, server, family, protocol, port) for pod, protocol, port in before]
        expect.flows([*new, *closed], timeout=LOST, patience=PATIENCE)
    if not quick:
        raise Inconclusive(
            f"no policy was created within {AT_ONCE} s of its deletion, the first after {seconds[0]:.2f} s"
        )


def long_policy(server: ProbePod, version: int, family: Family, places: Mapping[int, ProbePod]) -> Object:
    """A version of a policy that admits 300 ipBlocks in both directions: those of pods at their places in the list.

    All others are addresses that are not in use; with each version a part of them is replaced.
    """
    unused = ip_network(UNUSED[family])
    addresses = [str(unused[2 * (version * REPLACED + number)]) for number in range(BLOCKS)]  # no two form a network
    for place, pod in places.items():
        addresses[place] = pod.ip(family)
    peers = [{"ipBlock": {"cidr": f"{address}/{family.bits}"}} for address in addresses]
    spec = {"policyTypes": ["Ingress", "Egress"], "ingress": [{"from": peers}], "egress": [{"to": peers}]}
    return policy(f"long-{server.name}", {**pod_selector({"app": server.name}), **spec})


@dataclass(frozen=True)
class LongPolicy:
    """A policy of a server in three versions.

    Attributes:
        server: the pod that it isolates.
        members: for clients with a block at the beginning, in the middle and at the end, whether each version has it.
        family: the family of the addresses.
    """

    server: ProbePod
    members: Mapping[ProbePod, tuple[bool, bool, bool]]
    family: Family

    def manifest(self, version: int) -> Object:
        """The manifest of a version."""
        places = zip((0, BLOCKS // 2, BLOCKS - 1), self.members.items(), strict=False)
        blocks = {place: client for place, (client, member) in places if member[version]}
        return long_policy(self.server, version, self.family, blocks)

    def flows(self, version: int) -> list[Flow]:
        """The flows between the server and its clients in both directions, as a version admits them."""
        return [
            (allowed if member[version] else denied)(*ends, self.family)
            for client, member in self.members.items()
            for ends in ((client, self.server), (self.server, client))
        ]


def long_policies(testbed: Testbed, family: Family) -> list[LongPolicy]:
    """Long policies for up to three servers, in which the block at each place is kept once, added once, removed once.

    The first version has a block that the second one removes and the third one adds, or the other way round, in every
    second policy: the difference between the first and the third version alone is not enough then.
    """
    pods = pods_of_policies(testbed)
    clients, servers = pods[:PLACES], pods[PLACES : 2 * PLACES]
    policies = []
    for number, server in enumerate(servers):
        at_first = number % 2 == 1
        fates = [KEPT, (at_first, False, True), (not at_first, True, False)]
        members = {client: fates[(place + number) % len(fates)] for place, client in enumerate(clients)}
        policies.append(LongPolicy(server, members, family))
    return policies


def edit_twice(testbed: Testbed, edited: LongPolicy) -> float:
    """Apply the second and the third version of a policy; the seconds from the first request to the last response."""
    begun = time.monotonic()
    testbed.kube.apply([edited.manifest(1), edited.manifest(2)])
    return time.monotonic() - begun


@requirement("N14")
@needs("network-policy")
@isolates
def test_the_second_of_two_edits_counts_for_every_block(testbed: Testbed, expect: Expect, family: Family) -> None:
    """After two edits within a second of policies with 300 ipBlocks, each block counts as the second edit says."""
    if not definitely(Ambiguity.BLOCK_MATCHES_PODS, profile_of(testbed.cni)):
        pytest.skip("the engine does not declare that ipBlocks match addresses of pods")
    policies = long_policies(testbed, family)
    with enforced(testbed, *(each.manifest(0) for each in policies)):
        flows = [flow for each in policies for flow in each.flows(0)]
        expect.flows([flow for flow in flows if flow.outcome == DENIED], timeout=AT_FIRST, patience=PATIENCE)
        expect.flows([flow for flow in flows if flow.outcome != DENIED], patience=PATIENCE)
        seconds = [edit_twice(testbed, each) for each in policies]
        quick = sum(each <= BOTH_EDITS for each in seconds)
        expect.facts |= {"edited twice": len(seconds), "within 1 s": quick, "slowest, seconds": round(max(seconds), 3)}
        expect.flows([flow for each in policies for flow in each.flows(2)], timeout=LOST, patience=PATIENCE)
    if not quick:
        raise Inconclusive(f"no policy was edited twice within {BOTH_EDITS:g} s: {min(seconds):.2f} s at best")
