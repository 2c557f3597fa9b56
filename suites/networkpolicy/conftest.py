"""--cases: some cases of the corpus, by id, feature, bug, or what another suite calls them."""

from __future__ import annotations

import pytest

from policies import cases


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the cases that --cases means, and nothing else."""
    if not (words := config.option.cases):
        return
    wanted: set[str] = set()
    for word in words.split(","):
        wanted |= cases.named(word)  # the options were checked before the cluster came up
    kept = [item for item in items if _case(item) in wanted]
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = kept


def _case(item: pytest.Item) -> str:
    """The id of the case that an item is; "" for other items."""
    if isinstance(item, pytest.Function) and hasattr(item, "callspec"):
        return str(item.callspec.params.get("case", ""))
    return ""
