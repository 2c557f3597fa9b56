"""`nox -s screenshots`: pictures of pages by Chromium, as wide as a screen and as a phone, light and dark."""

from __future__ import annotations

import argparse
import itertools
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from fixtures import paths
from reports.report import page
from tests.browser import runs
from tests.browser.chromium import NARROW, WHOLE, WIDE, Chromium, NoBrowserError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

OUT = paths.ROOT / "reports" / "out" / "pictures"


class View(NamedTuple):
    """What a picture shows.

    Attributes:
        name: of its file.
        file: the page.
        unfolded: what is unfolded, as a selector of CSS; "" for nothing.
        part: the part of the page, as a selector; "" for the first screen.
    """

    name: str
    file: Path
    unfolded: str = ""
    part: str = ""


def of_tests(folder: Path) -> Iterator[View]:
    """Write the pages that tests open to a folder; yields the views of them that matter most."""
    for name, html in runs.pages().items():
        (folder / f"{name}.html").write_text(html, encoding="utf-8")
        yield View(name, folder / f"{name}.html")
    first = ".failure:first-of-type"
    yield View("failure", folder / "policy.html", f"{first}, {first} li:first-child > details", first)
    yield View("timeline", folder / "chaos.html", "#recovery details:first-of-type", "#recovery")
    yield View("windows", folder / "chaos.html", "", "#motion")
    yield View("speeds", folder / "speed.html", "", "#performance")
    yield View("differences", folder / "two.html", "", "#most")


def of_files(files: Sequence[Path]) -> Iterator[View]:
    """Yield the first screen and the whole page of each file, which is a page or a folder with report.html."""
    for file in files:
        path = (file / page.NAME if file.is_dir() else file).resolve()
        name = file.resolve().stem
        yield View(name, path)
        yield View(f"{name}-whole", path, "", WHOLE)


def take(chromium: Chromium, view: View, out: Path, form: str) -> None:
    """Write the pictures of a view; one is named NAME-WIDTH-light or NAME-WIDTH-dark."""
    chromium.open(view.file)
    if view.unfolded:
        chromium.unfold(view.unfolded)
    for width, dark in itertools.product((WIDE, NARROW), (False, True)):
        chromium.look(width, dark=dark)
        file = out / f"{view.name}-{width}-{'dark' if dark else 'light'}.{form}"
        file.write_bytes(chromium.picture(view.part, form=form))


def main(arguments: Sequence[str]) -> int:
    """Take the pictures; returns the exit code."""
    parser = argparse.ArgumentParser(prog="nox -s screenshots --", description=__doc__)
    parser.add_argument("--out", type=Path, default=OUT, help="a folder for the pictures")
    parser.add_argument("--form", choices=("png", "webp"), default="png")
    parser.add_argument("files", nargs="*", type=Path, metavar="RUN", help="folders of runs, or pages; none: examples")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    try:
        chromium = Chromium()
    except NoBrowserError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    with tempfile.TemporaryDirectory() as folder:
        for view in of_files(options.files) if options.files else of_tests(Path(folder)):
            take(chromium, view, options.out, options.form)
    chromium.close()
    sys.stdout.write(f"pictures: {options.out}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
