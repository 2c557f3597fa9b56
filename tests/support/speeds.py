"""Facts about the speed of paths that tests of reports use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reports import performance_fact
from reports.performance_fact import FIGURES, PathName, PerformanceFact
from tests.support.verdicts import case, document, requirement

if TYPE_CHECKING:
    from collections.abc import Sequence

BASE = {
    "throughput_gbit_per_s": 20.0,
    "connections_per_s": 10_000.0,
    "round_trips_per_s": 50_000.0,
    "round_trip_p50_us": 20.0,
    "round_trip_p99_us": 40.0,
    "cpu_s_per_gb": 0.5,
}
EVEN = (1.0, 0.98, 1.02)  # what rounds differ by


def fact(
    path: str,
    slower: float,
    *,
    family: str = "ipv4",
    rounds: Sequence[float] = EVEN,
    without_base: str = "",
) -> PerformanceFact:
    """Return the fact of a path.

    Args:
        path: its name.
        slower: how many times slower than the bare veth pair it is.
        family: of its addresses.
        rounds: by which number each round differs.
        without_base: why there is no bare veth pair.
    """
    factors = {figure.key: 1 / slower if figure.rises else slower for figure in FIGURES}
    own = [{key: BASE[key] * factor * each for key, factor in factors.items()} for each in rounds]
    return PerformanceFact(
        version=performance_fact.VERSION,
        path=path,
        family=family,
        client="netproof-x/a-node1",
        server="netproof-x/a-node2",
        rounds=len(rounds),
        figures=performance_fact.figures(own, () if without_base else [BASE] * len(rounds)),
        without_base=without_base,
    )


def run(
    *facts: PerformanceFact,
    late: Sequence[float] = (),
    **more: Any,  # noqa: ANN401 - JSON
) -> dict[str, Any]:
    """Return the verdict.json of a run that measured these paths.

    Args:
        facts: of the paths.
        late: of each path, the share of processor time that other programs took; () if it was negligible.
        more: other top-level fields.
    """
    cases = []
    for number, each in enumerate(facts):
        measured: dict[str, Any] = {performance_fact.FACT: each}
        if late and late[number]:
            measured["lateness"] = {"seconds": 2.0, "lost_seconds": 2.0 * late[number], "worst_timer_seconds": 0.1}
        cases.append(case("passed", number=number, **measured))
    return document("passed", requirement("N30", cases)) | more


def four(slower: Sequence[float] = (1.1, 2.0, 2.2, 1.5), **more: Any) -> list[PerformanceFact]:  # noqa: ANN401 - of fact
    """Return the facts of the four paths, with how many times slower than the bare veth pair each is."""
    return [fact(path, times, **more) for path, times in zip(PathName, slower, strict=True)]
