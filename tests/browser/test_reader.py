"""A reader of report.html finds what fails, and why: by two clicks, by keyboard, and without scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from selenium.webdriver.common.keys import Keys

from policies import clauses
from tests.browser.chromium import HEIGHT, NARROW, WIDE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.browser.chromium import Chromium

ISOLATION = clauses.load()[2].sentence  # of P02, the clause that the engine of the page ignores
REASON = "for ingress and has no ingress rule"
FAILURE, FLOW = ".failure > summary", ".failure[open] .cells summary"
SEEN = "return document.body.innerText"
FOCUS = "const e = document.activeElement; return [e.tagName, e.getBoundingClientRect().top + scrollY, e.className]"
# Texts that are not drawn, although nothing is folded: those of pictures are read aloud.
UNSEEN = """
const unseen = [];
const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (texts.nextNode()) {
  const text = texts.currentNode, range = document.createRange();
  if (!text.data.trim() || text.parentElement.closest('title, desc, script, style')) continue;
  range.selectNodeContents(text);
  if (!range.getClientRects().length || !text.parentElement.checkVisibility({visibilityProperty: true}))
    unseen.push(text.data.trim());
}
return unseen
"""


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_two_clicks_tell_which_policy_fails_and_why(chromium: Chromium, pages: Mapping[str, Path], width: int) -> None:
    """The first screen says No; a click on a requirement shows the wrong flows, one on a flow the broken clause."""
    chromium.look(width)
    chromium.open(pages["policy"])
    assert chromium.find("h1").text.endswith("No")
    assert chromium.find("h1").rect["y"] < HEIGHT / 2
    before = chromium.evaluate(SEEN)
    assert "a MUST requirement does not hold" in before
    assert ISOLATION in before
    assert "Traffic that policies deny gets through." in before
    assert REASON not in before

    chromium.find(FAILURE).click()
    first = chromium.evaluate(SEEN)
    assert "A policy without ingress rules denies" in first
    assert "flows are wrong." in first
    assert chromium.find(".failure[open] .matrix .frames").is_displayed()

    chromium.find(FLOW).click()
    second = chromium.evaluate(SEEN)
    assert REASON in second
    assert f"Clause 2: {ISOLATION}" in second


def test_the_keyboard_does_the_same(chromium: Chromium, pages: Mapping[str, Path]) -> None:
    """The focus moves down the page, is visible, and opens a failure; what scrolls can be reached, too."""
    chromium.look(NARROW)
    chromium.open(pages["policy"])
    tops, opened = [], False
    for _ in range(40):
        chromium.driver.switch_to.active_element.send_keys(Keys.TAB)
        tag, top, kind = chromium.evaluate(FOCUS)
        assert chromium.evaluate("return getComputedStyle(document.activeElement).outlineStyle") != "none"
        tops.append(top)
        if tag == "SUMMARY" and not opened:
            chromium.driver.switch_to.active_element.send_keys(Keys.ENTER)
            opened = True
        if opened and kind == "scroll":
            break
    assert chromium.evaluate(FOCUS)[2] == "scroll"
    assert tops == sorted(tops)


def test_scripts_are_off(chromium: Chromium, tmp_path: Path) -> None:
    """The switch that the next test relies on works: a page's own script does not run."""
    page = tmp_path / "page.html"
    page.write_text("<title>before</title><script>document.title = 'after'</script>")
    titles = []
    for run in (True, False):
        chromium.scripts(run=run)
        chromium.open(page)
        titles.append(chromium.driver.title)
    assert titles == ["after", "before"]


def test_every_text_is_read_without_scripts(chromium: Chromium, pages: Mapping[str, Path]) -> None:
    """Whatever is folded opens by a click, and then no text of any page is hidden."""
    chromium.scripts(run=False)
    for name, page in pages.items():
        chromium.open(page)
        folded = chromium.driver.find_elements("css selector", "main > section > details > summary")
        for summary in folded[:3]:
            is_open = chromium.evaluate("return arguments[0].parentElement.open", summary)
            summary.click()
            assert chromium.evaluate("return arguments[0].parentElement.open", summary) != is_open
        chromium.unfold()
        assert chromium.evaluate(UNSEEN) == [], name
