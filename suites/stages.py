"""What the policy suites share: stages in the cluster, made once and used by every case."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fixtures.progress import Progress
from fixtures.stages.campaign import Campaign
from policies import questions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from fixtures.testbed import Testbed
    from policies.questions import Question

GROUP = pytest.mark.xdist_group("stages")  # the stages belong to one process


@pytest.fixture(scope="session")
def campaign(testbed: Testbed) -> Iterator[Campaign]:
    """Open stages."""
    made = Campaign(testbed, Progress())
    try:
        made.open()
        yield made
    finally:
        made.close()


def profile_of(testbed: Testbed) -> Mapping[Question, bool]:
    """How the engine says it answers what the specification leaves open."""
    return questions.PROFILES[testbed.cni.variant.values.get("policy_profile", "specification")]
