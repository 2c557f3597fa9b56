"""Mutants of unusual packets: ICMP errors, fragments, extension headers, neighbour discovery, NodePorts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fixtures.cnis.reference.engine import rules
from fixtures.cnis.reference.engine import store as objects
from fixtures.cnis.reference.engine.api import Api
from tests.sensitivity.mutants.packets import STATE, add_chains, edit_forward
from tests.sensitivity.mutants.registry import mutant

if TYPE_CHECKING:
    from fixtures.cnis.reference.engine.store import Store

UPLINK = "eth0"
SERVICES = "10.96.0.0/16"
PREROUTING = "type filter hook prerouting priority -450; policy accept;"  # before fragments are put together
PARTS = ("ip frag-off & 0x3fff != 0", "exthdr frag exists")


def before_all(*more: str) -> None:
    """Rules before all others of the forward chain."""
    edit_forward(lambda lines: [*lines[:2], *(f"    {line}" for line in more), *lines[2:]])


@mutant("M085")
def errors_are_new() -> None:
    """ICMP errors about a flow are filtered like new connections."""
    edit_forward(lambda lines: [line.replace("established,related", "established") for line in lines])


def _parts_apart() -> None:
    """Let conntrack leave the parts of datagrams as they are: each goes through the chains by itself."""
    chain = ["  chain parts {", f"    {PREROUTING}", *(f"    {part} notrack" for part in PARTS), "  }"]
    add_chains(lambda *_: chain)


@mutant("M086")
def icmp_passes() -> None:
    """ICMP is not filtered."""
    before_all("meta l4proto { icmp, ipv6-icmp } accept")


@mutant("M087")
def later_parts_have_no_port() -> None:
    """Fragments after the first match no rule with ports."""
    _parts_apart()


@mutant("M088")
def parts_pass() -> None:
    """Fragments are always allowed."""
    _parts_apart()
    before_all(*(f"{part} accept" for part in PARTS))


@mutant("M094")
def node_ports_exempt() -> None:
    """Connections to a NodePort from outside the cluster are always allowed."""
    before_all(f'iifname "{UPLINK}" ct status dnat accept')


@mutant("M163")
def neighbours_filtered() -> None:
    """Neighbour discovery is filtered like any other traffic."""
    edit_forward(lambda lines: [line for line in lines if "nd-neighbor" not in line])


@mutant("M164")
def extension_headers_unread() -> None:
    """Packets with an IPv6 extension header are allowed, because their ports are not found."""
    before_all("exthdr dst exists accept")


@mutant("M092")
def services_read_once() -> None:
    """Isolated pods cannot reach a Service that was created after the engine started."""
    listed = Api().get("/api/v1/services")["items"]
    known = sorted(
        {ip for one in listed for ip in one["spec"].get("clusterIPs") or () if ip[0].isdigit() and "." in ip}
    )

    def early(store: Store, node: str, _: list[str]) -> list[str]:
        local = [pod for pod in store.pods() if pod["spec"].get("nodeName") == node]
        shut = [
            ip for pod in local if rules.isolating_policies(store, pod, "Egress") for ip in objects.addresses(pod, 4)
        ]
        if not shut:
            return []
        drop = f"ip saddr {{ {', '.join(shut)} }} ip daddr {SERVICES} ip daddr != {{ {', '.join(known)} }} drop"
        head = ["  chain late {", "    type filter hook prerouting priority -110; policy accept;", f"    {STATE}"]
        return [*head, f"    {drop}", "  }"]

    add_chains(early)
