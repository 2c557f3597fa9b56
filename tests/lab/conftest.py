"""A lab that stays open for all tests of this folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fixtures import options
from fixtures.progress import Progress
from fixtures.testbed import Bringup
from tests.support.open_lab import Chosen, OpenLab

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenLab]:
    """A lab with flannel:vxlan for all tests of this process."""
    out = tmp_path_factory.mktemp("lab")
    bringup = Bringup(options.settings_of(Chosen(), "lab", out), Progress())
    try:
        testbed = bringup.up()
        testbed.save(out)
        yield OpenLab(testbed, out)
        testbed.forget_probers()
    finally:
        bringup.down()
