"""Mutants of packet handling: connection tracking, address translation, exemption of the node, protocols."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fixtures.cnis.reference.engine import rules, semantics
from fixtures.cnis.reference.engine import store as objects
from tests.sensitivity.mutants.registry import mutant

if TYPE_CHECKING:
    from fixtures.cnis.reference.engine.store import Object, Store

FORWARD, RULESET = rules.forward_chain, rules.ruleset
STATE = "ct state established,related accept"
FAMILIES = (("ip", 4), ("ip6", 6))


def edit_forward(change: object) -> None:
    """Change the lines of the forward chain."""

    def forward_chain(networks: list[str], dispatch: list[str]) -> list[str]:
        return list(change(FORWARD(networks, dispatch)))  # type: ignore[operator]

    rules.forward_chain = forward_chain


def add_chains(more: object) -> None:
    """Add chains to the table: more(store, node, networks) gives their lines."""

    def ruleset(store: Store, node: str, networks: list[str]) -> str:
        text = RULESET(store, node, networks).rstrip().removesuffix("}")
        return "\n".join([text, *more(store, node, networks), "}", ""])  # type: ignore[operator]

    rules.ruleset = ruleset


@mutant("M074")
def replies_are_new() -> None:
    """Replies are filtered like new connections."""
    edit_forward(lambda lines: [line for line in lines if STATE not in line])


@mutant("M075")
def same_node_owner() -> None:
    """Replies between two isolated pods of one node are filtered like new connections."""

    def forward_chain(networks: list[str], dispatch: list[str]) -> list[str]:
        pods_on_two_nodes = [
            f"    {family} saddr {n} {family} daddr != {n} {STATE}\n    {family} saddr != {n} {STATE}"
            for n in networks
            for family, version in FAMILIES
            if (":" in n) == (version == 6)
        ]
        lines = FORWARD(networks, dispatch)
        at = next(index for index, line in enumerate(lines) if STATE in line)
        return [*lines[:at], *pods_on_two_nodes, *lines[at + 1 :]]

    rules.forward_chain = forward_chain


@mutant("M076")
def second_syn() -> None:
    """A dropped packet passes when it is retransmitted."""
    drop = "goto denied"

    def ruleset(store: Store, node: str, networks: list[str]) -> str:
        text = RULESET(store, node, networks).replace("    drop\n", f"    {drop}\n")
        known = "  set again { type ipv4_addr . ipv4_addr . inet_service; flags dynamic,timeout; timeout 5s; }"
        chain = (
            "  chain denied {\n    meta l4proto tcp ip saddr . ip daddr . tcp sport @again accept\n"
            "    meta l4proto tcp add @again { ip saddr . ip daddr . tcp sport } drop\n    drop\n  }"
        )
        head = f"table inet {rules.TABLE} {{\n"
        return text.replace(head, f"{head}{known}\n{chain}\n")

    rules.ruleset = ruleset


@mutant("M077")
def direction_blind() -> None:
    """A pod that received a connection may open connections to the client."""

    def ruleset(store: Store, node: str, networks: list[str]) -> str:
        text = RULESET(store, node, networks)
        head = f"table inet {rules.TABLE} {{\n"
        known = "  set talked { type ipv4_addr . ipv4_addr; flags dynamic,timeout; timeout 60s; }\n"
        note = f"    {STATE}\n    ip daddr . ip saddr @talked accept\n"
        text = text.replace(head, head + known).replace(f"    {STATE}\n", note)
        return text.replace(note, note + "    add @talked { ip saddr . ip daddr }\n")

    rules.ruleset = ruleset


@mutant("M089")
def egress_before_translation() -> None:
    """Egress rules are applied to a Service's address instead of the pod's behind it."""

    def ruleset(store: Store, node: str, networks: list[str]) -> str:
        text = RULESET(store, node, networks)
        for family, version in FAMILIES:
            text = text.replace(f"    {family} saddr vmap @egress{version}\n", "")
        chain = (
            "  chain early {\n    type filter hook prerouting priority -110; policy accept;\n"
            f"    {STATE}\n    ip saddr vmap @egress4\n    ip6 saddr vmap @egress6\n  }}\n}}\n"
        )
        return text.rstrip().removesuffix("}") + chain

    rules.ruleset = ruleset


@mutant("M090")
def service_address_allowed() -> None:
    """If one pod of a Service is allowed, all pods of the Service are allowed through it."""
    edit_forward(lambda lines: [*lines[:2], "    ct status dnat accept", *lines[2:]])


@mutant("M091")
def service_same_node_bypass() -> None:
    """Connections through a Service to a pod of the same node are not filtered."""

    def forward_chain(networks: list[str], dispatch: list[str]) -> list[str]:
        local = [f"    ct status dnat ip saddr {n} ip daddr {n} accept" for n in networks if ":" not in n]
        lines = FORWARD(networks, dispatch)
        return [*lines[:2], *local, *lines[2:]]

    rules.forward_chain = forward_chain


@mutant("M098")
def host_not_exempt() -> None:
    """Connections of a node to its own pods are filtered."""
    chain = [
        "  chain output {", "    type filter hook output priority -10; policy accept;",
        f"    {STATE}", "    ip daddr vmap @ingress4", "    ip6 daddr vmap @ingress6", "  }",
    ]  # fmt: skip
    add_chains(lambda *_: chain)


@mutant("M099")
def every_host_exempt() -> None:
    """Connections of every node are exempt from ingress policies, not only those of the pod's own node."""

    def forward_chain(networks: list[str], dispatch: list[str]) -> list[str]:
        nodes = ["ip saddr 192.0.2.0/24 accept", "ip saddr 198.51.100.0/24 accept"]
        tunnels = [f"ip saddr 10.244.{number}.0/31 accept" for number in range(1, 10)]
        return FORWARD(networks, [*nodes, *tunnels, *dispatch])

    rules.forward_chain = forward_chain


@mutant("M159")
def wrong_set() -> None:
    """Rules for IPv6 refer to IPv4 addresses, and match nothing."""
    right = semantics.others

    def others(rule: Object, policy: Object, store: Store, version: int) -> list[semantics.Others]:
        found = right(rule, policy, store, version)
        return [other for other in found if version == 4 or other.anyone]

    semantics.others = others


@mutant("M160")
def first_family_only() -> None:
    """Isolated pods are filtered in the first address family only."""
    edit_forward(
        lambda lines: [line for line in lines if "vmap @ingress6" not in line and "vmap @egress6" not in line]
    )


@mutant("M161")
def second_family_unfiltered() -> None:
    """In the second address family only egress is filtered."""
    edit_forward(lambda lines: [line for line in lines if "vmap @ingress6" not in line])


@mutant("M096")
def own_service_is_foreign() -> None:
    """A pod that connects to itself through its own Service is filtered like any other client."""

    def ruleset(store: Store, node: str, networks: list[str]) -> str:
        own = {f" {address} return" for pod in store.pods() for v in (4, 6) for address in objects.addresses(pod, v)}
        lines = RULESET(store, node, networks).splitlines()
        return "\n".join(line for line in lines if not any(line.endswith(f"addr{end}") for end in own)) + "\n"

    rules.ruleset = ruleset


@mutant("M100")
def exemption_of_one_family() -> None:
    """Connections of a node to its own pods are exempt over IPv4 only."""
    chain = [
        "  chain output {", "    type filter hook output priority -10; policy accept;",
        f"    {STATE}", "    ip6 daddr vmap @ingress6", "  }",
    ]  # fmt: skip
    add_chains(lambda *_: chain)
