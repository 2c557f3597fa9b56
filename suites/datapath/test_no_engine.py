"""A NetworkPolicy in a cluster without a policy engine: K06."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fixtures.probes.flows import to_pod
from fixtures.probes.pods import PORTS
from fixtures.testbed.testbed import NAMESPACES
from policies import serialization
from suites.support.marks import disturbs, requirement

if TYPE_CHECKING:
    from fixtures.testbed.testbed import Testbed
    from suites.support.expect import Expect


@requirement("K06")
@disturbs
def test_a_policy_without_engine_is_accepted_and_has_no_effect(testbed: Testbed, expect: Expect, family: str) -> None:
    """If the plugin does not enforce NetworkPolicy, the API accepts one that denies all, and traffic is unaffected."""
    if "network-policy" in testbed.cni.variant.features:
        pytest.skip(f"{testbed.cni} enforces NetworkPolicy")
    policy = serialization.of(NAMESPACES[0], "deny-all", {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]})
    testbed.kube.apply([policy])
    try:
        expect.facts["result"] = f"{testbed.cni} enforces no NetworkPolicy: a policy that denies all changes nothing"
        expect.flows(
            [to_pod(client.key, server, "tcp", PORTS[0], family) for client, server in testbed.pairs(same_node=False)]
        )
    finally:
        testbed.kube.delete(policy)
