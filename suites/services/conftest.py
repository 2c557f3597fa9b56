"""Fixtures of the service cases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fixtures.testbed.services import Services, wait_until_programmed

if TYPE_CHECKING:
    from fixtures.testbed.testbed import Testbed


@pytest.fixture(scope="session")
def services(testbed: Testbed) -> Services:
    """One Service per node with the node's first pod as its endpoint, and one with many endpoints."""
    created = Services(testbed)
    wait_until_programmed(created)
    return created
