"""The result of Allure while its case runs: what can be known about a case only then."""

from __future__ import annotations

from typing import TYPE_CHECKING

import allure

from reports.allure_results.cases import LABEL

if TYPE_CHECKING:
    import pytest


def identify(item: pytest.Item) -> None:
    """Give the result the name of its case in verdict.json, and short values of its parameters.

    The values have to be alike in every run: Allure finds a case in earlier runs by them.
    """
    allure.dynamic.label(LABEL, item.nodeid)
    callspec = getattr(item, "callspec", None)
    if callspec is not None:
        for name, value in callspec.params.items():
            is_short = isinstance(value, str | int | float)
            allure.dynamic.parameter(name, value if is_short else getattr(value, "id", callspec.id))
