"""The dashboard queries metrics that are exposed, and Prometheus evaluates its queries."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

from fixtures import paths, waiting
from reports.exports import metrics
from reports.watch import served
from tests.support import speeds
from tests.support.verdicts import FAULT, case, document, requirement

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILE = paths.ROOT / "reports" / "watch" / "dashboard.json"
PAGE = paths.ROOT / "docs" / "watch.md"
PATIENCE = 60  # seconds for a process; a busy machine is no failure
STARTING = 503  # status of Prometheus until it has read its data
COLUMNS = 24  # of Grafana's grid
FLOWS = [{"kind": "udp", "longest": 0.2, "sent": 9, "answered": 9}]
MEASURED: dict[str, Any] = {"reachable_seconds": 0.34, "continuous flows": FLOWS, "seconds until right": [0.2, 0.8]}
FULL = document(
    "failed",
    requirement("D01", [case("passed", number=1, **MEASURED)]),
    requirement("D02", [case("failed", number=2)]),
    requirement("F01", [case("passed", number=3, fault=FAULT)], area="chaos"),
    requirement("N30", [case("passed", number=4, performance=speeds.fact("other node", 2.0))]),
)
FULL["cluster"]["ready_seconds"] = 8.2


def state() -> served.State:
    """Return what a watch serves after two runs of which one failed, with a sample of every metric."""
    result = served.State({"netproof_watch_interval_seconds": 600})
    result.end(0, None, 1_767_225_600)
    result.end(1, FULL, 1_767_226_200)
    return result


def panels() -> list[dict[str, Any]]:
    """Return the panels of the dashboard."""
    rows: list[dict[str, Any]] = json.loads(FILE.read_text())["panels"]
    return rows


def queries() -> Iterator[str]:
    """Yield the queries of all panels, for all instances."""
    for panel in panels():
        for target in panel["targets"]:
            yield target["expr"].replace("$instance", ".*")


def test_every_metric_and_label_of_the_dashboard_is_exposed() -> None:
    """A query of a metric or a label that netproof does not have would show an empty panel without an error."""
    labels: dict[str, set[str]] = {}
    for family in state().collect():
        for sample in family.samples:
            labels.setdefault(sample.name, {"instance", "job"}).update(sample.labels)
    for query in queries():
        for name, selector in re.findall(r"(netproof_\w+)(?:\{([^}]*)\})?", query):
            assert name in labels, query
            used = re.findall(r"(\w+) *(?:=~|!=|!~|=)", selector)
            assert {*used} <= labels[name], query
            grouped = re.findall(r"by \(([^)]*)\)", query)
            assert {each for group in grouped for each in group.split(", ")} <= labels[name], query
    for panel in panels():
        for target in panel["targets"]:
            (name,) = {*re.findall(r"netproof_\w+", target["expr"])}
            assert {*re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])} <= labels[name], target


def test_every_metric_is_documented_and_has_a_sample() -> None:
    """The tables of metrics list what can be exposed, and docs/watch.md has a row for each, with its labels."""
    families = [*state().collect()]
    assert {family.name for family in families} == {*metrics.METRICS, *served.NUMBERS, served.RUNS, "netproof_run"}
    rows = dict(re.findall(r"^\| `(netproof_\w+)` \| *([^|]*?) *\|", PAGE.read_text(), re.MULTILINE))
    samples = {sample.name: sample for family in families for sample in family.samples}
    assert rows.keys() == samples.keys()
    for name, sample in samples.items():
        assert {*re.sub(r" \([^)]*\)", "", rows[name]).split(", ")} - {""} == sample.labels.keys(), name


def test_panels_fit_the_grid() -> None:
    """Ids are unique, and no panel covers another one or is wider than the page."""
    rows = panels()
    assert [row["id"] for row in rows] == list(range(1, len(rows) + 1))
    covered: set[tuple[int, int]] = set()
    for row in rows:
        at = row["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert at["x"] + at["w"] <= COLUMNS
        assert not covered & cells, row["title"]
        covered |= cells


@pytest.mark.skipif(shutil.which("prometheus") is None, reason="needs the program prometheus on PATH")
def test_prometheus_scrapes_a_watch_and_evaluates_the_dashboard(tmp_path: Path) -> None:
    """Every query of the dashboard has a result, from metrics that Prometheus has read over HTTP."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        own = f"127.0.0.1:{free.getsockname()[1]}"
    with served.serve(state(), "127.0.0.1", 0) as server:
        target = server.url.split("/")[2]
        scrape = {"job_name": "netproof", "scrape_interval": "1s", "static_configs": [{"targets": [target]}]}
        (tmp_path / "prometheus.yml").write_text(json.dumps({"scrape_configs": [scrape]}))
        files = [f"--config.file={tmp_path / 'prometheus.yml'}", f"--storage.tsdb.path={tmp_path / 'data'}"]
        with (tmp_path / "log").open("wb") as log:
            process = subprocess.Popen(
                ["prometheus", *files, f"--web.listen-address={own}"], stdout=log, stderr=subprocess.STDOUT
            )
        try:
            # increase() needs two scrapes.
            waiting.until(lambda: _result(own, "count_over_time(up[1m]) > 1"), "two scrapes", patience=PATIENCE)
            assert _result(own, "up")[0]["value"][1] == "1"
            assert [query for query in queries() if not _result(own, query)] == []
        finally:
            process.terminate()
            process.wait(PATIENCE)


def _result(server: str, query: str) -> list[dict[str, Any]]:
    """Return the result of a query of Prometheus; [] as long as it does not answer."""
    try:
        with urllib.request.urlopen(
            f"http://{server}/api/v1/query?{urllib.parse.urlencode({'query': query})}"
        ) as reply:
            result: list[dict[str, Any]] = json.loads(reply.read())["data"]["result"]
    except urllib.error.HTTPError as error:
        if error.code != STARTING:  # a wrong query, for example
            raise
        return []
    except OSError:
        return []
    return result
