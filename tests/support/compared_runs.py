"""The content of verdict.json files of runs that tests compare: a plugin with a tunnel, and one without."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from tests.support.verdicts import case, document, requirement

if TYPE_CHECKING:
    from collections.abc import Sequence


def fault(traffic: str, seconds: float, longest: float, marks: Sequence[tuple[float, str]] = ()) -> dict[str, Any]:
    """Return the fact of a fault from which traffic and state recover alike."""
    return {
        "id": "F01",
        "sentence": "The route to one peer's pods is deleted.",
        "longest_gap": longest,
        "lost_datagrams": 9,
        "broken_connections": 0,
        "traffic": traffic,
        "traffic_seconds": seconds,
        "state": traffic,
        "state_seconds": seconds,
        "harm": [],
        "unseen": False,
        "marks": [*marks],
        "left": [],
        "crashes": [],
    }


RESTARTED = fault(
    "after a restart of the agent", 34.96, 38.08, [(33.03, "agent restarted"), (34.96, "traffic is back")]
)
BY_ITSELF = fault("without intervention within 9.62 s", 9.62, 9.9)


TRANSFERS: dict[str, Any] = {"MB per s": [236, 250, 256, 259, 284, 285]}
CONNECTIONS: dict[str, Any] = {"connections per s": 7596, "CPU ms per connection": 0.258}


def run(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Return the verdict.json of a run of a plugin with a tunnel, with some of its top-level fields replaced."""
    rows = [
        requirement("D01", [case("passed", number=1)]),
        requirement("D14", [case("passed", number=14, **TRANSFERS)]),
        requirement("D17", [case("passed", number=17, **CONNECTIONS)]),
        requirement("D57", [case("passed", number=57, mtu=1450)]),
        requirement("D66", [case("passed", number=66, reachable_seconds=0.37)]),
        requirement("K01", [case("passed", number=101, encapsulation="vxlan")], area="egress"),
        requirement("F01", [case("passed", number=201, fault=RESTARTED)], area="chaos", level="SHOULD"),
    ]
    return document("passed", *rows) | changes


def without_tunnel() -> dict[str, Any]:
    """Return the verdict.json of a variant that routes packets and repairs its routes."""
    other = copy.deepcopy(run(cni="flannel:host-gw"))
    other["cluster"]["datapath"]["encapsulation"] = "none"
    facts = {row["id"]: row["cases"][0]["facts"] for row in other["requirements"]}
    facts["D14"]["MB per s"] = [321, 323, 344, 347, 372, 402]
    facts["D17"] |= {"connections per s": 13849, "CPU ms per connection": 0.143}
    facts["D57"]["mtu"] = 1500
    facts["D66"]["reachable_seconds"] = 0.42
    facts["K01"]["encapsulation"] = "none"
    facts["F01"]["fault"] = BY_ITSELF
    return other


def changed(before: dict[str, Any], **outcomes: str) -> dict[str, Any]:
    """Return a copy of a verdict.json in which requirements have other verdicts."""
    after = copy.deepcopy(before)
    for row in after["requirements"]:
        if row["id"] in outcomes:
            row["verdict"] = row["cases"][0]["verdict"] = outcomes[row["id"]]
            row["cases"][0]["message"] = f"{row['id']} is {outcomes[row['id']]}"
    return after
