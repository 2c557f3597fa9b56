"""T10: when new connections count as slower than before, and what the points of scale create."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from fixtures.probes.pods import ProbePod
from policies import validation
from policies.families import Family
from suites.motion.loads import Ends, Rules
from suites.motion.test_scale import Point

if TYPE_CHECKING:
    from fixtures.testbed.testbed import Testbed

SERVER, CANARY, OTHER = (
    ProbePod("netproof-x", name, "node1", name, (f"10.244.0.{number}",), host_network=False)
    for number, name in enumerate(("server", "canary", "other"), 2)
)
ENDS = Ends(SERVER, CANARY, OTHER, Family.IPV4)


@pytest.mark.parametrize(
    ("before", "after", "slow"), [(0.2, 0.2, False), (0.2, 0.49, False), (0.2, 0.6, True), (3, 7, True)]
)
def test_connections_are_slower_beyond_noise_alone(before: float, after: float, *, slow: bool) -> None:
    """Twice the time and a tenth of a millisecond are noise."""
    point = Point(cast("Testbed", None), Rules(200), ENDS, fastest={"before": before, "after": after})
    assert bool(point.slower()) == slow


@pytest.mark.parametrize(("scale", "policies"), [(Rules(5000), 50), (Rules(500, of_policy=1), 500)])
def test_rules_are_as_many_as_stated_and_the_last_is_that_of_the_canary(scale: Rules, policies: int) -> None:
    """The API accepts the policies, and no other rule admits the canary."""
    manifests = scale.policies(ENDS)
    rules = [rule for manifest in manifests for rule in manifest["spec"]["ingress"]]
    for manifest in manifests:
        validation.check(manifest)
    assert (len(manifests), len(rules)) == (policies, scale.number)
    admitting = [rule for rule in rules if rule["from"] == [{"ipBlock": {"cidr": "10.244.0.3/32"}}]]
    assert admitting == rules[-1:]
    assert len({str(rule) for rule in rules}) == scale.number
