"""The marks of a case: what it answers for, and what it needs."""

from __future__ import annotations

import pytest

requirement = pytest.mark.requirement
needs = pytest.mark.needs
disturbs = pytest.mark.disturbs  # changes what other cases look at: no other runs beside it
title = pytest.mark.title  # the sentence of one case of a parametrised function
