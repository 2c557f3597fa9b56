"""How fast each path is, beside a bare veth pair: N30."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fixtures.clusters.protocol import EXTERNAL_HOST
from reports import evidence, performance_fact
from reports.performance_fact import PathName
from suites.support import speeds
from suites.support.marks import disturbs, needs, requirement

if TYPE_CHECKING:
    from fixtures.testbed.bare_veth import BareVeth
    from fixtures.testbed.testbed import Testbed
    from policies.families import Family
    from suites.support.expect import Expect

PATHS = [
    PathName.SAME_NODE,
    PathName.OTHER_NODE,
    pytest.param(PathName.CLUSTER_IP, marks=needs("services")),
    pytest.param(PathName.OUTSIDE, marks=needs(EXTERNAL_HOST)),
]


@requirement("N30")
@disturbs  # other cases would be its load
@pytest.mark.parametrize("path", PATHS)
def test_a_path_carries_streams_connections_and_requests(
    testbed: Testbed, expect: Expect, bare: BareVeth, rounds: int, path: PathName, of_family: Family
) -> None:
    """A stream, new connections, and requests on one connection get through; how fast is reported."""
    with speeds.opened(testbed, path, of_family) as way:
        if way is None:
            pytest.skip("the cluster has one node")
        with expect.answering([way.flow]):
            expect.facts[performance_fact.FACT] = fact = speeds.measure(testbed, way, bare, rounds)
    evidence.attach_text("speed", performance_fact.text(fact))
