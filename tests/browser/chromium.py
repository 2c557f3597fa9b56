"""Chromium without a screen, driven by Selenium: a page at a width, light or dark, with or without scripts."""

from __future__ import annotations

import base64
import os
import shutil
from typing import TYPE_CHECKING, Any

from selenium import webdriver
from selenium.webdriver.common.by import By

from fixtures.errors import NetproofError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from selenium.webdriver.remote.webelement import WebElement

BROWSERS = ("chromium", "google-chrome", "google-chrome-stable", "chrome")
DRIVER = "chromedriver"
HEIGHT = 900  # pixels of the window
MARGIN = 16  # pixels around a part of a page
WHOLE = "html"
WIDE, NARROW = 1400, 390  # pixels: of a screen, and of a phone
OPTIONS = ("--headless=new", "--hide-scrollbars", "--disable-dev-shm-usage", "--force-prefers-reduced-motion")
AS_ROOT = "--no-sandbox"  # Chromium refuses to start as root with its sandbox; all pages are our own
PATIENCE = 60.0  # seconds until a script of a page has ended; our patience
PLACE = """
const [selector, margin] = arguments, box = document.querySelector(selector).getBoundingClientRect();
const [x, y] = [box.x + scrollX - margin, box.y + scrollY - margin];
return {x, y, width: box.width + 2 * margin, height: box.height + 2 * margin, scale: 1}
"""
UNFOLD = "document.querySelectorAll(arguments[0]).forEach(each => each.open = true)"


class NoBrowserError(NetproofError):
    """The machine has no Chromium, or no driver of it."""


def programs() -> tuple[str, str]:
    """Return the paths of Chromium and of its driver.

    Raises:
        NoBrowserError: one of them is not on PATH.
    """
    browser, driver = next(filter(None, map(shutil.which, BROWSERS)), None), shutil.which(DRIVER)
    if browser and driver:
        return browser, driver
    lacks = DRIVER if browser else "Chromium (or Chrome)" if driver else f"Chromium (or Chrome) and {DRIVER}"
    raise NoBrowserError(
        f"Not on PATH: {lacks}. Install Debian's packages chromium and chromium-driver, or Chrome and the "
        f"{DRIVER} of its version. As root, `./noxw -s browser` installs them."
    )


class Chromium:
    """A browser with one page.

    Attributes:
        driver: Selenium's driver.
    """

    def __init__(self) -> None:
        """Start the browser.

        Raises:
            NoBrowserError: it is not installed, or does not start.
        """
        browser, driver = programs()
        options = webdriver.ChromeOptions()
        options.binary_location = browser
        for option in (*OPTIONS, *([AS_ROOT] if os.geteuid() == 0 else [])):
            options.add_argument(option)
        try:
            self.driver = webdriver.Chrome(options, webdriver.ChromeService(driver))
        except Exception as error:
            raise NoBrowserError(f"{browser} does not start with {driver}: {error}") from error
        self.driver.set_script_timeout(PATIENCE)

    def close(self) -> None:
        """End the browser."""
        self.driver.quit()

    def command(self, name: str, **values: object) -> Mapping[str, Any]:
        """Send a command of the DevTools protocol; returns its result."""
        result: Mapping[str, Any] = self.driver.execute_cdp_cmd(name, values)
        return result

    def look(self, width: int = WIDE, *, dark: bool = False) -> None:
        """Make the page as wide as a screen or a phone, with light or dark colours."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.command("Emulation.setEmulatedMedia", media="screen", features=[scheme])
        size = {"width": width, "height": HEIGHT, "deviceScaleFactor": 1, "mobile": False}
        self.command("Emulation.setDeviceMetricsOverride", **size)

    def scripts(self, *, run: bool) -> None:
        """Let the scripts of pages that are opened from now on run, or not."""
        self.command("Emulation.setScriptExecutionDisabled", value=not run)

    def open(self, page: Path) -> None:
        """Open a file, and wait until it is loaded."""
        self.driver.get(page.as_uri())

    def unfold(self, parts: str = "details") -> None:
        """Open what is folded: everything, or the parts of a selector of CSS."""
        self.evaluate(UNFOLD, parts)

    def evaluate(self, script: str, *arguments: object) -> Any:  # noqa: ANN401 - JSON
        """Run the body of a function in the page; returns its value."""
        return self.driver.execute_script(script, *arguments)

    def wait_for(self, script: str, *arguments: object) -> Any:  # noqa: ANN401 - JSON
        """Run the body of a function whose last argument is called with the value; returns that value."""
        return self.driver.execute_async_script(script, *arguments)

    def find(self, selector: str) -> WebElement:
        """Return the first element of a selector of CSS."""
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def picture(self, part: str = "", *, form: str = "png") -> bytes:
        """Return a picture of the window, or of a part of the page.

        Args:
            part: a selector of CSS; "" for the window.
            form: png or webp.
        """
        more: dict[str, object] = {}
        if part:
            clip = self.evaluate(PLACE, part, 0 if part == WHOLE else MARGIN)
            more = {"clip": clip, "captureBeyondViewport": True}
        taken = self.command("Page.captureScreenshot", format=form, **more)
        return base64.b64decode(taken["data"])
