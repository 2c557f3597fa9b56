"""Play reproducers again: every case of the file that --replay names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fixtures.stages.playing import play_case
from fixtures.stages.probing import describe, queries
from policies import cases
from reports.outcome import Refuted
from suites.marks import needs, requirement
from suites.stages import GROUP, profile_of

if TYPE_CHECKING:
    import pytest

    from fixtures.stages.campaign import Campaign
    from policies.cases import Case


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A case per case of the file; none without --replay."""
    if "replayed" in metafunc.fixturenames:
        path = metafunc.config.option.replay
        found = cases.load(Path(path).read_text(), path) if path else ()  # it was read before the cluster came up
        metafunc.parametrize("replayed", found, ids=str)


@GROUP
@requirement("G03")
@needs("network-policy")
def test_replay(campaign: Campaign, replayed: Case, family: str) -> None:
    """A case of the file comes out as the file states."""
    profile = profile_of(campaign.testbed)
    asked = queries(family, campaign.protocols)
    seen = play_case(campaign.stages[0], replayed, asked, profile, patience=campaign.patience)[-1]
    if seen.wrong:
        raise Refuted(f"{len(seen.wrong)} of {seen.flows} flows are wrong:\n{describe(seen, profile)}")
