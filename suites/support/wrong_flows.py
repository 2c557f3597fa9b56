"""The fact `wrong` of a case: matrices of expected and observed outcomes, and the wrong flows with their reasons."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from policies import clauses, serialization
from policies.explain import explain
from policies.families import Family, family_of
from policies.flow import ANY, CONNECTED, DENIED, MISDELIVERED, NOT_THROUGH, WRONG_SOURCE
from policies.model import Pod, port_text
from policies.oracle import Path
from policies.relations import relations
from reports import wrong_fact
from reports.wrong_fact import CellFact, ClauseFact, End, MatrixFact, PolicyFact, ReasonFact, RuleFact, WrongFact

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from fixtures.probes.judging import Judged
    from fixtures.testbed.testbed import Testbed
    from fixtures.workspaces.probing import StateResult
    from policies.ambiguities import Ambiguity
    from policies.flow import Flow, Observation
    from policies.matrix import Wrong
    from policies.model import World
    from policies.oracle import Query

MOST_MATRICES = 6
MOST_CELLS = 60
MOST_ENDS = 40  # rows and columns of a matrix
EXPECTED = {
    CONNECTED: wrong_fact.CONNECTED,
    DENIED: wrong_fact.NOT_THROUGH,
    ANY: wrong_fact.UNKNOWN,
}
OBSERVED = {MISDELIVERED: wrong_fact.MISDELIVERED, WRONG_SOURCE: wrong_fact.OTHER_SOURCE}


@dataclass
class Matrix:
    """The flows of one protocol, port and path.

    Attributes:
        flow: protocol, port and path.
        expected: (source, destination) → a character.
        observed: (source, destination) → a character; a wrong one wins.
        wrong: number of wrong flows.
    """

    flow: str
    expected: dict[tuple[str, str], str] = field(default_factory=dict)
    observed: dict[tuple[str, str], str] = field(default_factory=dict)
    wrong: int = 0

    def add(self, pair: tuple[str, str], flow: Flow, rows: Sequence[Observation]) -> None:
        """Add a flow with its observations; none if they are not known."""
        marks = [_observed(flow, row) for row in rows if flow.wrong(row)]
        if marks:
            self.wrong += 1
        if marks or pair not in self.expected:
            self.expected[pair] = EXPECTED[flow.outcome]
            self.observed[pair] = (marks or [_observed(flow, row) for row in rows] or [wrong_fact.UNKNOWN])[0]

    def fact(self) -> MatrixFact:
        """The fact for verdict.json."""
        rows = list(dict.fromkeys(row for row, _ in self.expected))[:MOST_ENDS]
        columns = list(dict.fromkeys(column for _, column in self.expected))[:MOST_ENDS]

        def drawn(cells: Mapping[tuple[str, str], str]) -> list[str]:
            return ["".join(cells.get((row, column), wrong_fact.NOT_SENT) for column in columns) for row in rows]

        return MatrixFact(
            flow=self.flow, rows=rows, columns=columns, expected=drawn(self.expected), observed=drawn(self.observed)
        )


def of_batch(flows: Sequence[Flow], judged: Judged, testbed: Testbed) -> WrongFact:
    """The fact about flows of a case.

    Args:
        flows: the flows.
        judged: how they settled; some are wrong.
        testbed: tells the nodes of pods.
    """
    observed: Sequence[Sequence[Observation]] = [] if judged.dead else judged.rows
    matrices: dict[str, Matrix] = {}
    for flow, rows in zip(flows, observed or _only_wrong(flows, judged.found), strict=True):
        name = _name(flow)
        matrices.setdefault(name, Matrix(name)).add((flow.source, flow.destination), flow, rows)
    cells = [_cell(_name(row.expected), row.expected.destination, row) for row in judged.found[:MOST_CELLS]]
    nodes = {pod.key: pod.node for pod in (*testbed.pods.values(), *testbed.hosts.values())}
    ends = {key: End(node=nodes.get(key, ""), labels={}) for key in _ends(matrices.values())}
    decided = sum(flow.outcome != ANY for flow in flows)
    return _fact(decided, len(judged.found), matrices.values(), cells) | {"ends": ends}


def of_state(result: StateResult, profile: Mapping[Ambiguity, bool]) -> WrongFact:
    """The fact about a state of a workspace.

    Args:
        result: its result; some flows are wrong.
        profile: how the engine resolves ambiguities.
    """
    matrices: dict[str, Matrix] = {}
    answers = result.answers or [(row.flow, [row.wrong.seen]) for row in result.found]
    for judged, rows in answers:
        name = _query_name(judged.query)
        matrices.setdefault(name, Matrix(name)).add((judged.source, judged.destination), judged.expected, rows)
    cells, cited = [], set[int]()
    for judged, wrong in result.found[:MOST_CELLS]:
        explanation = explain(result.world, judged.source, judged.destination, judged.query, profile)
        reasons = [ReasonFact(text=reason.text, clauses=[*reason.clauses]) for reason in explanation.reasons]
        cells.append(_cell(_query_name(judged.query), judged.destination, wrong, reasons))
        cited |= explanation.clauses
    return _fact(max(1, result.flows), len(result.found), matrices.values(), cells) | {
        "ends": _world_ends(result.world),
        "clauses": [_clause(number) for number in sorted(cited)],
        "policies": _policies(result.world),
    }


def _fact(flows: int, wrong: int, matrices: Iterable[Matrix], cells: list[CellFact]) -> WrongFact:
    drawn = sorted((matrix for matrix in matrices if matrix.wrong), key=lambda matrix: -matrix.wrong)
    return WrongFact(
        version=wrong_fact.VERSION,
        flows=flows,
        wrong=wrong,
        ends={},
        matrices=[matrix.fact() for matrix in drawn[:MOST_MATRICES]],
        matrices_left_out=max(0, len(drawn) - MOST_MATRICES),
        cells=cells,
        clauses=[],
        policies=[],
    )


def _only_wrong(flows: Sequence[Flow], found: Sequence[Wrong]) -> list[list[Observation]]:
    """The observations of wrong flows, where those of the others are not known."""
    seen: dict[Flow, list[Observation]] = {}
    for row in found:
        seen.setdefault(row.expected, []).append(row.seen)
    return [seen.get(flow, []) for flow in flows]


def _name(flow: Flow) -> str:
    protocol, port = flow.target.protocol, flow.target.port
    return (port_text(protocol, port) if port else protocol.upper()) + _over(family_of(flow.target.host))


def _query_name(query: Query) -> str:
    path = " through a Service" if query.path is Path.SERVICE else ""
    return query.port_text + path + _over(query.family)


def _over(family: Family) -> str:
    return " over IPv6" if family is Family.IPV6 else ""


def _observed(flow: Flow, seen: Observation) -> str:
    why = flow.wrong(seen)
    if why in OBSERVED:
        return OBSERVED[why]
    outcome = seen.outcome.partition(":")[0]
    if outcome == CONNECTED:
        return wrong_fact.CONNECTED
    return wrong_fact.NOT_THROUGH if outcome in NOT_THROUGH else wrong_fact.PROBE_FAILED


def _cell(name: str, destination: str, wrong: Wrong, reasons: Sequence[ReasonFact] = ()) -> CellFact:
    return CellFact(
        flow=name,
        source=wrong.expected.source,
        destination=destination,
        target=str(wrong.expected.target),
        expected=str(wrong.expected),
        observed=str(wrong.seen),
        why=wrong.why,
        reasons=[*reasons],
    )


def _ends(matrices: Iterable[Matrix]) -> dict[str, None]:
    return {key: None for matrix in matrices if matrix.wrong for pair in matrix.expected for key in pair}


def _world_ends(world: World) -> dict[str, End]:
    return {
        end.key: End(node=end.node, labels=dict(end.labels) if isinstance(end, Pod) else {})
        for end in world.endpoints()
    }


def _clause(number: int) -> ClauseFact:
    clause = clauses.load()[number]
    return ClauseFact(number=number, sentence=clause.sentence, link=clause.link)


def _policies(world: World) -> list[PolicyFact]:
    return [
        PolicyFact(
            key=each.policy.key,
            selects=[*each.selects],
            rules=[RuleFact(direction=r.direction, peers=[*r.peers], ports=[*r.ports]) for r in each.rules],
            manifest=serialization.write(each.policy),
        )
        for each in relations(world)
    ]
