"""Pods whose namespaces and names are the same text once they are joined: N16."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from fixtures.probes import pods as probe_pods
from fixtures.probes.pods import PodPlan
from policies import serialization
from policies.model import NAMESPACE_LABEL
from suites.support.marks import needs, requirement
from suites.support.policies import LOST, PATIENCE, allowed, denied, pod_selector, unique_name, with_probers

if TYPE_CHECKING:
    from fixtures.kube.client import Object
    from fixtures.probes.pods import ProbePod
    from fixtures.testbed.testbed import Testbed
    from policies.families import Family
    from suites.support.expect import Expect

# The end of the namespace, the name of the pod, and whether it is isolated.  The first two pods have equal names when
# joined without a separator, the next two when joined by "-", the last and the third when dots become "-".
PODS = (("", "ba", True), ("b", "a", False), ("", "b-a", False), ("-b", "a", True), ("", "b.a", True))


def isolating(plan: PodPlan, peer: ProbePod) -> Object:
    """The policy that isolates a pod in both directions and admits one pod of another namespace."""
    peers = [
        {"namespaceSelector": {"matchLabels": {NAMESPACE_LABEL: peer.namespace}}, **pod_selector({"app": peer.name})}
    ]
    spec = {"policyTypes": ["Ingress", "Egress"], "ingress": [{"from": peers}], "egress": [{"to": peers}]}
    return serialization.of(plan.namespace, f"isolates-{plan.name}", {**pod_selector({"app": plan.name}), **spec})


@requirement("N16")
@needs("network-policy")
def test_pods_with_similar_names_are_isolated_each_by_itself(testbed: Testbed, expect: Expect, family: Family) -> None:
    """Of pods of a node whose namespaces and names are equal when joined, exactly those with a policy are isolated."""
    base, (peer, other) = unique_name("netproof-joint"), testbed.pods_on(testbed.nodes[0])[:2]
    plans = [PodPlan(base + end, name, testbed.nodes[-1]) for end, name, _ in PODS]
    isolated = [plan for plan, (_, _, closed) in zip(plans, PODS, strict=True) if closed]
    with ExitStack() as objects:
        for namespace in {plan.namespace for plan in plans}:
            objects.callback(testbed.kube.delete, probe_pods.namespace_object(namespace))
        pods = probe_pods.create(testbed.kube, plans)
        testbed.kube.apply([isolating(plan, peer) for plan in isolated])
        flows = [
            (denied if plan in isolated and end is other else allowed)(*ends, family)
            for plan, pod in zip(plans, pods, strict=True)
            for end in (peer, other)
            for ends in ((end, pod), (pod, end))
        ]
        with with_probers(testbed, *pods) as probers:
            expect.flows(flows, probers=probers, timeout=LOST, patience=PATIENCE)
