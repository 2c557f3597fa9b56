"""The wrong flows of a case, with the oracle's reasons and the clauses that these cite."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from reports.report import graph, grid, route
from reports.report.texts import clipped, web_page
from reports.wrong_fact import VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MOST_CELLS = 15  # of a case
MOST_GRIDS = 2  # of a case
LONGEST_MANIFESTS = 6000  # characters


@dataclass(frozen=True)
class Clause:
    """A clause: its number, its sentence, and the page that states it, "" if that is no web page."""

    number: int
    sentence: str
    link: str


@dataclass(frozen=True)
class Cell:
    """A wrong flow.

    Attributes:
        flow: protocol, port and path.
        source: the client.
        destination: the server.
        target: protocol, address and port that it was sent to.
        expected: the expected outcome.
        observed: the observed outcome.
        reasons: the reasons for the expected outcome.
        clauses: the clauses that they cite.
    """

    flow: str
    source: str
    destination: str
    target: str
    expected: str
    observed: str
    reasons: tuple[str, ...]
    clauses: tuple[Clause, ...]


@dataclass(frozen=True)
class Wrong:
    """What the page shows of a fact `wrong`.

    Attributes:
        flows: number of flows with a decision.
        wrong: number of wrong flows.
        cells: the first wrong flows.
        more: number of further ones.
        grids: pictures of the matrices with most wrong cells.
        grids_left_out: number of further matrices with wrong cells.
        graph: picture of the policies; None if there are none.
        manifests: the policies as YAML; "" if there are none.
        route: picture of the path of a wrong flow; None if its nodes are not known.
    """

    flows: int
    wrong: int
    cells: tuple[Cell, ...]
    more: int
    grids: tuple[grid.Grid, ...]
    grids_left_out: int
    graph: graph.Graph | None
    manifests: str
    route: route.Route | None


def of(fact: Mapping[str, Any] | None, datapath: Mapping[str, str]) -> Wrong | None:
    """Return what the page shows of a fact `wrong`; None without one, or for one of another version.

    Args:
        fact: the fact.
        datapath: the bridge and the encapsulation that the plugin declares; {} if not known.
    """
    if not fact or fact["version"] != VERSION:
        return None
    clauses = {row["number"]: _clause(row) for row in fact["clauses"]}
    cells = tuple(_cell(row, clauses) for row in fact["cells"][:MOST_CELLS])
    policies, different = fact["policies"], _different(fact["matrices"])
    manifests = yaml.safe_dump_all([policy["manifest"] for policy in policies], sort_keys=False) if policies else ""
    return Wrong(
        flows=fact["flows"],
        wrong=fact["wrong"],
        cells=cells,
        more=fact["wrong"] - len(cells),
        grids=tuple(grid.of(matrix) for matrix in different[:MOST_GRIDS]),
        grids_left_out=len(different[MOST_GRIDS:]) + fact["matrices_left_out"],
        graph=graph.of(policies),
        manifests=clipped(manifests, LONGEST_MANIFESTS),
        route=None if policies else route.of(fact, datapath),
    )


def _different(matrices: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the matrices without those that equal another one but for the flow; that one has the flows of all."""
    flows: dict[str, list[str]] = {}
    first: dict[str, Mapping[str, Any]] = {}
    for matrix in matrices:
        content = repr([matrix[name] for name in ("rows", "columns", "expected", "observed")])
        flows.setdefault(content, []).append(matrix["flow"])
        first.setdefault(content, matrix)
    return [{**matrix, "flow": ", ".join(flows[content])} for content, matrix in first.items()]


def _clause(row: Mapping[str, Any]) -> Clause:
    return Clause(row["number"], row["sentence"], web_page(row["link"]))


def _cell(row: Mapping[str, Any], clauses: Mapping[int, Clause]) -> Cell:
    numbers = sorted({number for reason in row["reasons"] for number in reason["clauses"]})
    texts = tuple(reason["text"] for reason in row["reasons"])
    cited = tuple(clauses[number] for number in numbers if number in clauses)
    fields = {name: row[name] for name in ("flow", "source", "destination", "target", "expected", "observed")}
    return Cell(**fields, reasons=texts, clauses=cited)
