"""The expectations of a step that apply in a cluster, whose nodes and networks differ from the model's."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING

from policies.cases import ENDS
from policies.endpoint_index import holds
from policies.families import family_of
from policies.model import Host, IpBlock
from policies.oracle import Decision, Path

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from policies.cases import Cell, Step
    from policies.families import Family
    from policies.model import Endpoint, World
    from policies.oracle import Query


@dataclass(frozen=True)
class Stated:
    """The expectations of a step in a cluster.

    Attributes:
        step: the step.
        moved: the (source, destination) pairs that they do not apply to.
    """

    step: Step
    moved: frozenset[Cell]

    def cells(self, query: Query) -> Mapping[Cell, Decision]:
        """Expected decisions of a query by (source, destination), without undefined ones.

        Files state that a pod reaches itself; through its own Service, the engine's profile decides (clause 50).
        """
        block = self.step.covering(query)
        rows = block.cells.items() if block else ()
        return {
            cell: expected
            for cell, expected in rows
            if expected is not Decision.UNDEFINED
            and cell not in self.moved
            and (query.path is Path.POD_IP or cell[0] != cell[1])
        }


def stated(step: Step, model: World, live: World, family: Family) -> Stated:
    """The expectations of a step in a cluster.

    They do not apply to a pair of which one end is the node of the other in the cluster and not in the model, or the
    other way round: a node and its own pods always reach each other (clause 47). Nor do they if an end is in other
    ipBlocks of the policies than in the model: networks differ from cluster to cluster.

    Args:
        step: the step.
        model: its state in the model.
        live: its state in the cluster.
        family: of the flows.
    """
    in_model, in_cluster = _ends(model), _ends(live)
    other_nodes = {cell for cell in _cells() if _on_own_node(in_model, cell) != _on_own_node(in_cluster, cell)}
    other_blocks = {
        key for key in ENDS if _blocks_of(model, in_model[key], family) != _blocks_of(live, in_cluster[key], family)
    }
    return Stated(
        step, frozenset(cell for cell in _cells() if cell in other_nodes or not other_blocks.isdisjoint(cell))
    )


def _cells() -> Iterator[Cell]:
    yield from ((one, other) for one in ENDS for other in ENDS)


def _ends(world: World) -> dict[str, Endpoint]:
    """The endpoints of a world by their keys."""
    return {end.key: end for end in world.endpoints()}


def _on_own_node(ends: Mapping[str, Endpoint], cell: Cell) -> bool:
    """Whether one end is the node of the other."""
    one, other = (ends[key] for key in cell)
    nodes = isinstance(one, Host) or isinstance(other, Host)
    return nodes and bool(one.node) and one.node == other.node


def _blocks_of(world: World, end: Endpoint, family: Family) -> list[tuple[bool, bool]]:
    """For each ipBlock of the policies, in order: whether it matches any, and all, addresses of an end."""
    addresses = [ip_address(ip) for ip in end.ips if family_of(ip) is family]
    matches = []
    for policy in world.policies:
        for rule in (*policy.ingress, *policy.egress):
            for peer in rule.peers:
                if isinstance(peer, IpBlock):
                    inside = [holds(peer, address) for address in addresses]
                    matches.append((any(inside), all(inside)))
    return matches
