"""Render compare.html: collect the sections, and fill in the template."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from reports.comparison import environment, figures, headline, measured, noise, paths, verdicts
from reports.comparison.sides import Side, labels
from reports.report import page as report_page

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reports.baseline import Comparison
    from reports.comparison.difference import Section
    from reports.comparison.headline import Headline

FOLDER = Path(__file__).parent / "templates"
NAME = "compare.html"


@dataclass(frozen=True)
class Compared:
    """Compared runs.

    Attributes:
        sides: the sides.
        labels: a short name of each.
        sections: the differences by kind.
        headline: the top of the page.
        without_verdict: lines about runs that wrote no verdict.
        against: the comparison with a baseline; None without one.
    """

    sides: tuple[Side, ...]
    labels: tuple[str, ...]
    sections: tuple[Section, ...]
    headline: Headline
    without_verdict: tuple[str, ...] = ()
    against: Comparison | None = None


def compare(sides: Sequence[Side], without_verdict: Sequence[str] = (), against: Comparison | None = None) -> Compared:
    """Compare sides; the arguments are those of Compared."""
    names = labels(sides)
    sections = (
        verdicts.of(sides, names),
        measured.outages(sides),
        measured.repairs(sides),
        figures.of(sides, names),
        paths.of(sides, names),
        environment.of(sides),
    )
    top = headline.of(sides, names, sections)
    return Compared(tuple(sides), names, sections, top, tuple(without_verdict), against)


def render(compared: Compared) -> str:
    """Return the page as HTML; it loads nothing and has no script."""
    parts = {
        "compared": compared,
        "rules": [*noise.sentences()],
        "style": report_page.style("style.css"),
    }
    return report_page.environment(FOLDER, report_page.FOLDER).get_template("compare.html.j2").render(parts)
