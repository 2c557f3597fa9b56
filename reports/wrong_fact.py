"""The type of the fact `wrong`, which cases with wrong flows add to verdict.json.

A cell of a matrix is one character. Expected: "+" connected, "-" denied, "?" any outcome. Observed: "+" as expected
or got through, "-" not through, "m" another server answered, "s" the server saw another source address, "!" the probe
failed, "?" not known. A blank is a flow that was not sent. A cell is wrong if it is observed neither as expected nor
as "?", unless any outcome is expected.
"""

from __future__ import annotations

from typing import Any, Literal, TypedDict

FACT = "wrong"  # its name, in records and in verdict.json
VERSION = 1
CONNECTED, NOT_THROUGH, MISDELIVERED, OTHER_SOURCE, PROBE_FAILED, UNKNOWN, NOT_SENT = "+-ms!? "


class End(TypedDict):
    """A source or a destination.

    Attributes:
        node: the node that it runs on; "" outside the cluster.
        labels: its labels, if policies select by them.
    """

    node: str
    labels: dict[str, str]


class MatrixFact(TypedDict):
    """All flows of one protocol, port and path.

    Attributes:
        flow: protocol, port and path.
        rows: sources.
        columns: destinations.
        expected: a string per row, a character per column.
        observed: the same for the last observation.
    """

    flow: str
    rows: list[str]
    columns: list[str]
    expected: list[str]
    observed: list[str]


class ReasonFact(TypedDict):
    """A reason of the oracle, and the numbers of the clauses behind it."""

    text: str
    clauses: list[int]


class CellFact(TypedDict):
    """A wrong flow.

    Attributes:
        flow: protocol, port and path, as in its matrix.
        source: its row.
        destination: its column.
        target: protocol, address and port that it was sent to.
        expected: the expected outcome.
        observed: the observed outcome.
        why: the difference, in a few words.
        reasons: the oracle's reasons; none for a flow that no policy concerns.
    """

    flow: str
    source: str
    destination: str
    target: str
    expected: str
    observed: str
    why: str
    reasons: list[ReasonFact]


class ClauseFact(TypedDict):
    """A clause that reasons cite."""

    number: int
    sentence: str
    link: str


class RuleFact(TypedDict):
    """A rule of a policy: the ends and blocks of addresses that it admits, and the ports; both empty for all."""

    direction: Literal["Ingress", "Egress"]
    peers: list[str]
    ports: list[str]


class PolicyFact(TypedDict):
    """A policy.

    Attributes:
        key: namespace/name.
        selects: the pods that it selects.
        rules: a row per rule, and one without peers and with the port "none" for a direction without rules.
        manifest: the policy as the API has it.
    """

    key: str
    selects: list[str]
    rules: list[RuleFact]
    manifest: dict[str, Any]


class WrongFact(TypedDict):
    """The flows of a case, and which of them are wrong.

    Attributes:
        version: VERSION of this format.
        flows: number of flows with a decision.
        wrong: number of wrong flows.
        ends: sources and destinations by key.
        matrices: those with wrong cells, the most first.
        matrices_left_out: number of further matrices with wrong cells.
        cells: wrong flows, at most some dozens, in the order of the case.
        clauses: the clauses that their reasons cite, by number.
        policies: the policies in force.
    """

    version: int
    flows: int
    wrong: int
    ends: dict[str, End]
    matrices: list[MatrixFact]
    matrices_left_out: int
    cells: list[CellFact]
    clauses: list[ClauseFact]
    policies: list[PolicyFact]
