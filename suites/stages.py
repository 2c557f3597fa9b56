"""What the policy suites share: stages in the cluster, made once and used by every case."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

import pytest

from fixtures import terminal
from fixtures.progress import Progress
from fixtures.stages.campaign import Campaign
from policies import questions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from fixtures.testbed import Testbed
    from policies.questions import Question


class Shown(io.StringIO):
    """Where progress is shown while pytest keeps what cases write: the terminal itself."""

    def __init__(self, config: pytest.Config) -> None:
        super().__init__()
        self.config = config
        with terminal.given(config):
            self.terminal = bool(sys.__stderr__ and sys.__stderr__.isatty())

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return self.terminal

    def write(self, text: str) -> int:
        """Show a text at once."""
        with terminal.given(self.config):
            if sys.__stderr__:
                sys.__stderr__.write(text)
                sys.__stderr__.flush()
        return len(text)


GROUP = pytest.mark.xdist_group("stages")  # the stages belong to one process


@pytest.fixture(scope="session")
def campaign(testbed: Testbed, pytestconfig: pytest.Config) -> Iterator[Campaign]:
    """Open stages."""
    made = Campaign(testbed, Progress(Shown(pytestconfig)))
    try:
        made.open()
        yield made
    finally:
        made.close()


def profile_of(testbed: Testbed) -> Mapping[Question, bool]:
    """How the engine says it answers what the specification leaves open."""
    return questions.PROFILES[testbed.cni.variant.profile]
