"""The reproducers of bugs of released engines expect what the specification says, whatever an engine does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fixtures import paths
from policies import cases
from policies.ambiguities import OPEN
from policies.disagreements import disagreements

if TYPE_CHECKING:
    from pathlib import Path

FILES = sorted((paths.ROOT / "reports" / "published" / "bugs").glob("*.yaml"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_oracle_expects_what_a_reproducer_states(file: Path) -> None:
    """In every flow that the file names; nothing in it is left open by the API."""
    (case,) = cases.load(file.read_text(), file.name)
    assert [str(row) for row in disagreements(case, OPEN)] == []
    assert all(step.expectations for step in case.steps)
