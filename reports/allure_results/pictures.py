"""The pictures of report.html as SVG files of their own: matrices, the path of a wrong flow, and policies."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from reports.report import page, texts, wrong
from reports.wrong_fact import FACT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import jinja2

TYPE = "image/svg+xml"
BACKGROUND = "svg { background: var(--page); }"  # pages that show the file may be dark while the file is not
MACROS = '{% import "svg.html.j2" as svg with context %}'


def of(facts: Mapping[str, Any], datapath: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield (name, SVG) of the pictures of a case; nothing for a case without wrong flows.

    Args:
        facts: the facts of the case.
        datapath: the bridge and the encapsulation that the plugin declares; {} if not known.
    """
    drawn = wrong.of(facts.get(FACT), datapath)
    if drawn is None:
        return
    for grid in drawn.grids:
        for picture in grid.pictures:
            yield f"{picture.heading}: {grid.flow}", _svg("svg.matrix(flow, picture)", flow=grid.flow, picture=picture)
    if drawn.route:
        yield f"Path: {drawn.route.title}", _svg("svg.route(picture)", picture=drawn.route)
    if drawn.graph:
        yield "Policies", _svg("svg.graph(picture)", picture=drawn.graph)


def _svg(macro: str, **values: object) -> str:
    """Call a macro of svg.html.j2, and put the styles of pictures into its picture."""
    text = _template(macro).render(values, new_id=texts.new_ids()).strip()
    head, end, rest = text.partition(">")
    return f"{head}{end}<style>{escape(page.style() + BACKGROUND)}</style>{rest}"


@cache
def _template(macro: str) -> jinja2.Template:
    return page.environment(page.FOLDER).from_string(f"{MACROS}{{{{ {macro} }}}}")
