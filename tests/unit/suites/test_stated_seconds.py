"""Seconds that fail a case are in the sentence of its requirement."""

from __future__ import annotations

import pytest

from fixtures.cnis import install
from fixtures.probes import pods
from fixtures.testbed import pod_churn
from policies import requirements
from suites.datapath import test_agents, test_gone_pods
from suites.migration import takeover
from suites.networkpolicy import test_edits, test_late_cleanup
from suites.support import policies

KNOWN = requirements.load()


@pytest.mark.parametrize(
    ("identity", "seconds"),
    [
        ("D63", test_agents.READY),
        ("D64", pod_churn.GONE),
        ("D64", test_gone_pods.LEFT),
        ("K09", install.READY_PATIENCE),
        ("K09", pods.READY_PATIENCE),
        ("K09", takeover.PATIENCE),
        ("K10", takeover.PATIENCE),
        ("N04", policies.MATCHED),
        ("N05", policies.MATCHED),
        ("N13", test_edits.AT_ONCE),
        ("N15", policies.MATCHED),
        ("N15", test_late_cleanup.LATER),
    ],
)
def test_the_seconds_of_a_requirement_are_stated(identity: str, seconds: float) -> None:
    """A reader of the requirement knows how long the plugin has."""
    assert f"{seconds:g} " in KNOWN[identity].sentence
