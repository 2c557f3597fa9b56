"""What every page of ours owes its readers: no barrier that axe finds, and nothing beside the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.browser import runs
from tests.browser.chromium import NARROW, WIDE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.browser.chromium import Chromium

BARRIERS = ("serious", "critical")
TABLET = 768  # pixels: tables with many columns are lists of cards up to here
CHECK = """
const [rules, done] = arguments;
axe.run(document, {resultTypes: ['violations'], ...rules}).then(done, error => done(String(error)))
"""
COLOURS = {"runOnly": ["cat.color"]}  # rules that a page may break in the dark and not in the light
BESIDE = """
return [...document.querySelectorAll('body *')].filter(
  each => !each.parentElement.closest('.scroll') && each.getBoundingClientRect().right > innerWidth + 0.5
).map(each => each.outerHTML.slice(0, 120))
"""


def barriers(chromium: Chromium, axe: str, rules: Mapping[str, Any]) -> list[str]:
    """Return what axe finds serious or critical on the page that is open, with its first element.

    Args:
        chromium: the browser.
        axe: the script of axe-core.
        rules: axe's options that select rules; {} for all.
    """
    chromium.evaluate(axe)
    found: dict[str, Any] = chromium.wait_for(CHECK, rules)
    assert isinstance(found, dict), found
    assert found["passes"], "axe checked nothing"
    return [
        f"{row['id']}: {row['help']}: {row['nodes'][0]['html'][:200]}"
        for row in found["violations"]
        if row["impact"] in BARRIERS
    ]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize("name", runs.PAGES)
def test_no_page_has_a_barrier(
    chromium: Chromium, pages: Mapping[str, Path], axe: str, name: str, width: int, *, dark: bool
) -> None:
    """Unfolded, on a screen and on a phone, light and dark, axe finds nothing serious and nothing critical."""
    chromium.open(pages[name])
    chromium.look(width, dark=dark)
    chromium.unfold()
    assert barriers(chromium, axe, COLOURS if dark else {}) == []


@pytest.mark.parametrize("width", [NARROW, TABLET, WIDE])
@pytest.mark.parametrize("name", runs.PAGES)
def test_no_page_scrolls_sideways(chromium: Chromium, pages: Mapping[str, Path], name: str, width: int) -> None:
    """Folded and unfolded, a page is as wide as the window; only pictures and messages may scroll by themselves."""
    chromium.open(pages[name])
    chromium.look(width)
    for _ in range(2):
        assert chromium.evaluate(BESIDE) == []
        assert chromium.evaluate("return document.documentElement.scrollWidth") == width
        chromium.unfold()
