"""Mutants of isolation: directions, and the union of several policies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fixtures.cnis.reference.engine import rules, semantics
from fixtures.cnis.reference.engine import store as objects
from tests.sensitivity.mutants.registry import mutant

if TYPE_CHECKING:
    from fixtures.cnis.reference.engine.store import Object, Store

ISOLATES, ISOLATING, RULES_OF, FORWARD = (
    semantics.isolates,
    rules.isolating_policies,
    semantics.rules_of,
    rules.forward_chain,
)


@mutant("M063")
def types_inferred() -> None:
    """A policy isolates in the directions for which it has rules; policyTypes is ignored."""
    semantics.isolates = lambda policy, direction: bool(RULES_OF(policy, direction))


@mutant("M064")
def rules_always() -> None:
    """Rules are enforced although policyTypes lacks their direction."""
    semantics.isolates = lambda policy, direction: ISOLATES(policy, direction) or bool(RULES_OF(policy, direction))


@mutant("M065")
def no_rules_no_isolation() -> None:
    """A policy without rules does not isolate pods."""
    semantics.isolates = lambda policy, direction: ISOLATES(policy, direction) and bool(RULES_OF(policy, direction))


@mutant("M066")
def ingress_blocks_egress() -> None:
    """A policy that isolates pods for ingress blocks their egress, too."""

    def isolates(policy: Object, direction: str) -> bool:
        return ISOLATES(policy, direction) or (direction == "Egress" and ISOLATES(policy, "Ingress"))

    semantics.isolates = isolates


@mutant("M067")
def second_policy_wrong_direction() -> None:
    """The second policy with the same podSelector isolates pods in the opposite direction."""

    def isolating(store: Store, pod: Object, direction: str) -> list[Object]:
        found = []
        subjects: set[tuple[str, str]] = set()
        for policy in sorted(store.policies(), key=objects.key_of):
            if not semantics.is_subject(policy, pod):
                continue
            subject = policy["metadata"]["namespace"], repr(policy["spec"].get("podSelector"))
            turned = {"Ingress": "Egress", "Egress": "Ingress"}[direction]
            if ISOLATES(policy, turned if subject in subjects else direction):
                found.append(policy)
            subjects.add(subject)
        return found

    rules.isolating_policies = isolating


@mutant("M068")
def egress_unenforced() -> None:
    """Egress is not enforced."""
    semantics.isolates = lambda policy, direction: direction == "Ingress" and ISOLATES(policy, direction)


@mutant("M071")
def first_policy_only() -> None:
    """Only the first of several policies that select a pod is enforced."""

    def isolating(store: Store, pod: Object, direction: str) -> list[Object]:
        found = ISOLATING(store, pod, direction)
        return sorted(found, key=lambda policy: (policy["metadata"]["creationTimestamp"], objects.key_of(policy)))[:1]

    rules.isolating_policies = isolating


@mutant("M072")
def implicit_deny_each() -> None:
    """A policy denies flows that it does not allow, so only flows that the first policy allows pass."""
    right = rules.policy_lines

    def policy_lines(store: Store, policy: Object, pod: Object, direction: str, version: int) -> list[str]:
        return [*right(store, policy, pod, direction, version), "drop"]

    rules.policy_lines = policy_lines


@mutant("M069")
def egress_accept_is_final() -> None:
    """On one node, a flow that egress of the source pod allows skips ingress of the destination pod."""
    right = rules.policy_lines

    def policy_lines(store: Store, policy: Object, pod: Object, direction: str, version: int) -> list[str]:
        lines = right(store, policy, pod, direction, version)
        return [line.replace(" return", " accept") for line in lines] if direction == "Egress" else lines

    rules.policy_lines = policy_lines


@mutant("M070")
def same_node_bypass() -> None:
    """Pods of one node are not isolated from each other."""

    def forward_chain(networks: list[str], dispatch: list[str]) -> list[str]:
        local = [f"ip saddr {n} ip daddr {n} accept" for n in networks if ":" not in n]
        local += [f"ip6 saddr {n} ip6 daddr {n} accept" for n in networks if ":" in n]
        return FORWARD(networks, [*local, *dispatch])

    rules.forward_chain = forward_chain


@mutant("M101")
def exemption_overwritten() -> None:
    """A policy with an ipBlock that contains the node's address ends the exemption of the node."""
    right = rules.ruleset

    def ruleset(store: Store, node: str, networks: list[str]) -> str:
        text = right(store, node, networks)
        named = [policy for policy in store.policies() if "0.0.0.0/0" in repr(policy["spec"])]
        if not named:
            return text
        chain = [
            "  chain output {",
            "    type filter hook output priority -10; policy accept;",
            "    ct state established,related accept",
            "    ip daddr vmap @ingress4",
            "  }",
            "}",
            "",
        ]
        return text.rstrip().removesuffix("}") + "\n".join(chain)

    rules.ruleset = ruleset


@mutant("M132")
def key_without_namespace() -> None:
    """Policies with the same name in different namespaces overwrite each other."""
    right = objects.Store.policies

    def policies(self: objects.Store) -> list[Object]:
        return list({policy["metadata"]["name"]: policy for policy in right(self)}.values())

    objects.Store.policies = policies


@mutant("M133")
def key_truncated() -> None:
    """Policies whose namespace and name begin with the same 63 characters overwrite each other."""
    right = objects.Store.policies

    def policies(self: objects.Store) -> list[Object]:
        return list({objects.key_of(policy)[:63]: policy for policy in right(self)}.values())

    objects.Store.policies = policies


@mutant("M169")
def key_without_separator() -> None:
    """Pods whose namespaces and names are the same text when joined overwrite each other."""
    objects.key_of = lambda thing: thing["metadata"].get("namespace", "") + thing["metadata"]["name"]
