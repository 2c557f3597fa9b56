"""What cases about the speed of paths share: a bare veth pair, the families, the number of rounds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fixtures.plugin import TESTBED
from fixtures.testbed import bare_veth
from suites.support import speeds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fixtures.testbed.bare_veth import BareVeth
    from fixtures.testbed.testbed import Testbed


@pytest.fixture(scope="session")
def bare(testbed: Testbed) -> Iterator[BareVeth]:
    """A bare veth pair of this machine; it stays until the cases end."""
    with bare_veth.opened(testbed.topology) as pair:
        yield pair


@pytest.fixture
def rounds(pytestconfig: pytest.Config) -> int:
    """How often each path is measured: --repeats, or a few times."""
    return int(pytestconfig.option.repeats or speeds.ROUNDS)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Measure one family, or all of them with --repeats."""
    if "of_family" in metafunc.fixturenames:
        config = metafunc.config
        metafunc.parametrize("of_family", speeds.families(config.stash.get(TESTBED, None), config.option.repeats))
