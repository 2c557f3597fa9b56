"""The marks of a case: what it answers for, and what it needs."""

from __future__ import annotations

import pytest

from fixtures.needs import Need, need

requirement = pytest.mark.requirement
disturbs = pytest.mark.disturbs  # changes what other cases look at: no other runs beside it
title = pytest.mark.title  # the sentence of one case of a parametrised function
changes_agents = pytest.mark.usefixtures("agents_as_before")  # replaces or breaks them, or changes what they react to


def needs(*words: Need | str) -> pytest.MarkDecorator:
    """What the plugin, the cluster or the run has to offer, else the case is unsupported.

    Raises:
        UnknownNeedError: a word is no Need.
    """
    return pytest.mark.needs(*(need(word, "@needs") for word in words))
