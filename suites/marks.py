"""The marks of a case: what it answers for, and what it needs."""

from __future__ import annotations

import pytest

requirement = pytest.mark.requirement
needs = pytest.mark.needs
