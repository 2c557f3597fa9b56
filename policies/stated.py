"""What a step states of flows on a stage in a cluster, whose ends may stand elsewhere than on paper."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING

from policies.cases import ENDS
from policies.endpoint_index import holds
from policies.families import family_of
from policies.model import Host, IpBlock
from policies.oracle import Decision

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from policies.cases import Cell, Step
    from policies.families import Family
    from policies.model import Endpoint, World
    from policies.oracle import Query


@dataclass(frozen=True)
class Stated:
    """The expectations of a step where a stage is real.

    Attributes:
        step: the step.
        moved: the pairs of which it states nothing there.
    """

    step: Step
    moved: frozenset[Cell]

    def cells(self, query: Query) -> Mapping[Cell, Decision]:
        """What the step states of a query's flows, without those it leaves open."""
        block = self.step.covering(query)
        rows = block.cells.items() if block else ()
        return {cell: stated for cell, stated in rows if stated is not Decision.UNDEFINED and cell not in self.moved}


def stated(step: Step, paper: World, live: World, family: Family) -> Stated:
    """What a step states where its stage is real.

    A pair is not the one on paper where one end is the other one's node here and not there, or the other way round: a
    node and its own pods always talk to each other (clause 47). Nor where an end is in other blocks of the policies
    than on paper: networks differ from cluster to cluster.
    """
    pods_on_two_nodes = {cell for cell in _cells() if _at_home(paper, cell) != _at_home(live, cell)}
    elsewhere = {key for key in ENDS if _blocks_of(paper, key, family) != _blocks_of(live, key, family)}
    return Stated(
        step, frozenset(cell for cell in _cells() if cell in pods_on_two_nodes or not elsewhere.isdisjoint(cell))
    )


def _cells() -> Iterator[Cell]:
    yield from ((one, other) for one in ENDS for other in ENDS)


def _end(world: World, key: str) -> Endpoint:
    return next(end for end in world.endpoints() if end.key == key)


def _at_home(world: World, cell: Cell) -> bool:
    """Whether one end is the other one's node."""
    one, other = (_end(world, key) for key in cell)
    nodes = isinstance(one, Host) or isinstance(other, Host)
    return nodes and bool(one.node) and one.node == other.node


def _blocks_of(world: World, key: str, family: Family) -> list[tuple[bool, bool]]:
    """For each block of the policies, in their order, whether it holds some, and all, of an end's addresses."""
    addresses = [ip_address(ip) for ip in _end(world, key).ips if family_of(ip) is family]
    found = []
    for policy in world.policies:
        for rule in (*policy.ingress, *policy.egress):
            for peer in rule.peers:
                if isinstance(peer, IpBlock):
                    inside = [holds(peer, address) for address in addresses]
                    found.append((any(inside), all(inside)))
    return found
