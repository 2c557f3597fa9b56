"""A lab that stays open for all tests of this folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.open_lab import opened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.open_lab import OpenLab


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenLab]:
    """A lab with flannel:vxlan for all tests of this process."""
    with opened(tmp_path_factory.mktemp("lab")) as made:
        yield made
