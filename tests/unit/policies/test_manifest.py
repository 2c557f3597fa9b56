"""Manifests: the API's defaults, and the rules by which it refuses one."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from policies import serialization
from policies.invalid import InvalidPolicyError
from policies.model import EGRESS, EVERYTHING, INGRESS, PodPeer, PortRule, Rule


def policy(**spec: Any) -> dict[str, Any]:  # noqa: ANN401 - YAML
    """A manifest with a spec."""
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "p", "namespace": "x"},
        "spec": {"podSelector": {}, **spec},
    }


def test_types_follow_the_rules_where_they_are_not_written() -> None:
    """Ingress always, Egress where there is an egress rule (clause 8)."""
    assert serialization.read(policy()).types == {INGRESS}
    assert serialization.read(policy(egress=[])).types == {INGRESS}
    assert serialization.read(policy(egress=[{}])).types == {INGRESS, EGRESS}
    assert serialization.read(policy(policyTypes=["Egress"], ingress=[{}])).types == {EGRESS}
    assert serialization.read(policy(policyTypes=[])).types == {INGRESS}


def test_absent_null_and_empty_lists_of_rules_are_the_same() -> None:
    """No rule allows nothing; a rule without peers and ports allows everything (clauses 10, 12, 29)."""
    absent: list[dict[str, Any]] = [{}, {"ingress": None}, {"ingress": []}]
    for written in absent:
        assert serialization.read(policy(**written)).ingress == ()
    open_rules: list[dict[str, Any]] = [{}, {"from": []}, {"from": None, "ports": None}, {"ports": []}]
    for rule in open_rules:
        assert serialization.read(policy(ingress=[rule])).ingress == (Rule(),)


def test_an_absent_selector_is_not_an_empty_one() -> None:
    """Absent selectors of a peer stay absent; an absent podSelector of the policy selects all (clauses 6, 16)."""
    rule = serialization.read(policy(ingress=[{"from": [{"namespaceSelector": {}}, {"podSelector": {}}]}])).ingress[0]
    assert rule.peers == (PodPeer(EVERYTHING, None), PodPeer(None, EVERYTHING))
    without = policy()
    del without["spec"]["podSelector"]
    assert serialization.read(without).subject == EVERYTHING


def test_protocol_is_tcp_where_it_is_not_written() -> None:
    """Clause 31."""
    rule = serialization.read(policy(ingress=[{"ports": [{"port": 80}, {"protocol": "UDP"}, {}]}])).ingress[0]
    assert rule.ports == (PortRule("tcp", 80), PortRule("udp"), PortRule("tcp"))


def test_a_manifest_without_namespace_is_where_it_is_applied() -> None:
    """Kubectl's namespace, which is default without one."""
    bare = policy()
    del bare["metadata"]["namespace"]
    assert serialization.read(bare).key == "default/p"
    assert serialization.read(bare, "y").key == "y/p"


PORT = "spec.ingress[0].ports[0]"
PEER = "spec.ingress[0].from[0]"


@pytest.mark.parametrize(
    ("spec", "field", "rule"),
    [
        ({"policyTypes": ["Both"]}, "spec.policyTypes[0]", "must be Ingress or Egress"),
        ({"policyTypes": ["Ingress"] * 3}, "spec.policyTypes", "more than two"),
        ({"ingress": [{"to": []}]}, "spec.ingress[0].to", "is unknown"),
        ({"ingres": []}, "spec.ingres", "is unknown"),
        ({"ingress": {}}, "spec.ingress", "must be a list"),
        ({"ingress": [{"from": [{}]}]}, PEER, "must specify a peer"),
        ({"ingress": [{"from": [{"ipBlock": {"cidr": "10.0.0.0/8"}, "podSelector": {}}]}]}, PEER, "both ipBlock"),
        ({"ingress": [{"from": [{"ipBlock": {"cidr": "10.0.0.0"}}]}]}, f"{PEER}.ipBlock.cidr", "must be a CIDR"),
        (
            {"ingress": [{"from": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["11.0.0.0/9"]}}]}]},
            f"{PEER}.ipBlock.except[0]",
            "strict subset",
        ),
        (
            {"ingress": [{"from": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.0.0.0/8"]}}]}]},
            f"{PEER}.ipBlock.except[0]",
            "strict subset",
        ),
        ({"ingress": [{"ports": [{"port": 0}]}]}, f"{PORT}.port", "between 1 and 65535"),
        ({"ingress": [{"ports": [{"port": 65536}]}]}, f"{PORT}.port", "between 1 and 65535"),
        ({"ingress": [{"ports": [{"port": "Web"}]}]}, f"{PORT}.port", "port name"),
        ({"ingress": [{"ports": [{"port": "80"}]}]}, f"{PORT}.port", "port name"),
        ({"ingress": [{"ports": [{"port": 80, "protocol": "ICMP"}]}]}, f"{PORT}.protocol", "TCP, UDP or SCTP"),
        ({"ingress": [{"ports": [{"port": 80, "endPort": 79}]}]}, f"{PORT}.endPort", "from port 80"),
        ({"ingress": [{"ports": [{"endPort": 90}]}]}, f"{PORT}.endPort", "without a numeric port"),
        ({"ingress": [{"ports": [{"port": "web", "endPort": 90}]}]}, f"{PORT}.endPort", "without a numeric port"),
        ({"podSelector": {"matchLabels": {"a": 1}}}, "spec.podSelector.matchLabels.a", "label value"),
        ({"podSelector": {"matchLabels": {"-": "b"}}}, "spec.podSelector.matchLabels.-", "label key"),
        (
            {"podSelector": {"matchExpressions": [{"key": "a", "operator": "In"}]}},
            "spec.podSelector.matchExpressions[0].values",
            "must have entries",
        ),
        (
            {"podSelector": {"matchExpressions": [{"key": "a", "operator": "Exists", "values": ["b"]}]}},
            "spec.podSelector.matchExpressions[0].values",
            "must be empty",
        ),
        (
            {"podSelector": {"matchExpressions": [{"key": "a", "operator": "Is"}]}},
            "spec.podSelector.matchExpressions[0].operator",
            "must be In",
        ),
    ],
)
def test_what_the_api_refuses_is_refused(spec: dict[str, Any], field: str, rule: str) -> None:
    """Every rule names the field that breaks it (clauses 20, 23, 32, 40)."""
    with pytest.raises(InvalidPolicyError) as raised:
        serialization.read(policy(**copy.deepcopy(spec)))
    assert raised.value.field == field
    assert rule in raised.value.rule


def test_bits_beyond_the_mask_are_accepted() -> None:
    """An API server may hold such a CIDR from before it refused them (clause 28)."""
    block = {"ipBlock": {"cidr": "10.0.0.1/8", "except": ["10.1.2.3/16"]}}
    assert serialization.read(policy(ingress=[{"from": [block]}])).ingress[0].peers
