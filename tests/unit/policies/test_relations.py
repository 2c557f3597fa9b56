"""What a policy is about: the pods that it selects, and the peers and ports of its rules."""

from __future__ import annotations

from policies import base_world, serialization
from policies.relations import NOBODY, RuleRelation, relations


def test_relations_name_pods_blocks_and_ports() -> None:
    """Peers are pods by key and blocks with exceptions; no peers means everybody, and no rules means nobody."""
    spec = {
        "podSelector": {"matchLabels": {"pod": "a"}},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [
            {
                "from": [
                    {"namespaceSelector": {"matchLabels": {"ns": "y"}}, "podSelector": {"matchLabels": {"pod": "b"}}},
                    {"podSelector": {"matchLabels": {"pod": "c"}}},
                    {"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}},
                ],
                "ports": [{"port": 80, "endPort": 82}, {"protocol": "UDP", "port": "web"}, {"protocol": "SCTP"}],
            },
            {},
            {"from": [{"podSelector": {"matchLabels": {"pod": "none"}}}]},
        ],
    }
    policy = serialization.read(serialization.of("x", "p", spec))
    (only,) = relations(base_world.build().with_policies(policy))
    assert only.selects == ("x/a",)
    peers = ("y/b", "x/c", "10.0.0.0/8 except 10.1.0.0/16")
    assert only.rules == (
        RuleRelation("Ingress", peers, ("TCP/80–82", "UDP/web", "SCTP")),
        RuleRelation("Ingress", (), ()),
        RuleRelation("Ingress", (NOBODY,), ()),
        RuleRelation("Egress", (NOBODY,), ()),
    )
