"""The marks of a case: the requirements that it checks, and its needs."""

from __future__ import annotations

import pytest

from fixtures.needs import Need, need

requirement = pytest.mark.requirement
disturbs = pytest.mark.disturbs  # affects other cases, or others affect it: no other runs at the same time
isolates = pytest.mark.isolates  # puts policies on pods of the testbed, which no other case uses meanwhile
begins_window = pytest.mark.begins_window  # begins what another case judges later; see order.py
ends_window = pytest.mark.ends_window  # judges what has happened since a case with begins_window
title = pytest.mark.title  # the title of one case of a parametrised function
changes_agents = pytest.mark.usefixtures("agents_as_before")  # replaces or breaks them, or changes what they react to


def needs(*words: Need | str) -> pytest.MarkDecorator:
    """Declare what plugin, cluster or run have to offer; without it the case is unsupported.

    Raises:
        UnknownNeedError: a word is no Need.
    """
    return pytest.mark.needs(*(need(word, "@needs") for word in words))
