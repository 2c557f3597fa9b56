"""A plugin's own audits as cases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fixtures.cnis import audits

if TYPE_CHECKING:
    from fixtures.testbed.testbed import Testbed
    from suites.support.expect import Expect


def audit(testbed: Testbed, expect: Expect, check: str, wrong: str) -> None:
    """Run one of the plugin's own audits; skip if the plugin has none."""
    __tracebackhide__ = True
    known = audits.load(testbed.cni)
    if check not in known.checks:
        pytest.skip(f"{testbed.cni} has no audit for {check}")
    expect.nothing(known.checks[check](testbed.snapshot(known.files)), wrong)
