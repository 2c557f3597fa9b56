"""metrics.txt: the results of a run in the text format of OpenMetrics, for Prometheus and others.

`METRICS` documents every metric. A label has only values with few choices: ids, areas, verdicts, versions; messages
and names of cases are in verdict.json.
"""

from __future__ import annotations

import datetime
import statistics
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from prometheus_client.metrics_core import GaugeMetricFamily, InfoMetricFamily
from prometheus_client.openmetrics import exposition

from reports import outcome, performance_fact, stored
from reports.report import certified, recovery

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from prometheus_client.metrics_core import Metric

LEVELS = ("MUST", "SHOULD", "MAY")
INFO = ("kubernetes", "kernel", "provider", "proxy_mode")  # facts of the cluster that netproof_run_info has
CHANGES: Mapping[str, Callable[[list[float]], float]] = {"median": statistics.median, "max": max}


@dataclass(frozen=True)
class Gauge:
    """A metric whose samples are numbers.

    Attributes:
        about: its description.
        labels: the names of its labels.
    """

    about: str
    labels: tuple[str, ...] = ()


METRICS = {
    "netproof_run_exit_code": Gauge("Exit code of the run: 0 certified, 1 not certified, 2 inconclusive, 3 error."),
    "netproof_run_start_timestamp_seconds": Gauge("When the run started, in seconds since 1970."),
    "netproof_run_duration_seconds": Gauge("How long the run took."),
    "netproof_cluster_ready_seconds": Gauge("How long the cluster took to be ready."),
    "netproof_program": Gauge("1 for each program of the run.", ("name", "version", "sha256", "tested")),
    "netproof_requirement": Gauge("1 for each requirement, with its verdict.", ("id", "area", "level", "verdict")),
    "netproof_requirements": Gauge("Number of requirements.", ("area", "level", "verdict")),
    "netproof_fault_outage_seconds": Gauge("Longest outage of any flow during a fault.", ("fault",)),
    "netproof_fault_lost_datagrams": Gauge("Datagrams without an answer during a fault.", ("fault",)),
    "netproof_fault_repair_seconds": Gauge(
        "Seconds from a fault to the recovery of traffic or of the nodes' state, and what brought it; missing if it"
        " was not affected or did not recover.",
        ("fault", "of", "by"),
    ),
    "netproof_window_seconds": Gauge("How long a change took to be in effect.", ("id", "window")),
    "netproof_window_outage_seconds": Gauge("Longest outage of any flow while a change was made.", ("id",)),
    "netproof_policy_change_seconds": Gauge(
        "Seconds until a change of policies or labels was in effect, over all hand-written cases.", ("statistic",)
    ),
    "netproof_path_throughput_bits_per_second": Gauge("Throughput of one TCP stream.", ("path", "family")),
    "netproof_path_connections_per_second": Gauge(
        "TCP connections that are opened, used for a request and closed, one after the other.", ("path", "family")
    ),
    "netproof_path_round_trips_per_second": Gauge(
        "Requests on one TCP connection, one after the other.", ("path", "family")
    ),
    "netproof_path_round_trip_seconds": Gauge(
        "Duration of a request on a TCP connection.", ("path", "family", "percentile")
    ),
    "netproof_path_cpu_seconds_per_gigabyte": Gauge(
        "What the processors of both machines work for a stream.", ("path", "family")
    ),
    "netproof_path_ratio": Gauge(
        "A figure of a path divided by that of a bare veth pair of the machine.", ("path", "family", "figure")
    ),
}
# Figure of a path → its metric, the number by which its unit is a multiple of the metric's, and more labels.
PATHS: Mapping[performance_fact.Figure, tuple[str, float, tuple[str, ...]]] = {
    performance_fact.THROUGHPUT: ("netproof_path_throughput_bits_per_second", 1e9, ()),
    performance_fact.CONNECTIONS: ("netproof_path_connections_per_second", 1, ()),
    performance_fact.ROUND_TRIPS: ("netproof_path_round_trips_per_second", 1, ()),
    performance_fact.TRIP_P50: ("netproof_path_round_trip_seconds", 1e-6, ("50",)),
    performance_fact.TRIP_P99: ("netproof_path_round_trip_seconds", 1e-6, ("99",)),
    performance_fact.CPU: ("netproof_path_cpu_seconds_per_gigabyte", 1, ()),
}


@dataclass
class Samples:
    """The samples of all metrics of METRICS; of two samples with equal labels the larger one counts.

    Attributes:
        by_metric: {name: {values of its labels: number}}.
    """

    by_metric: dict[str, dict[tuple[str, ...], float]] = field(default_factory=dict)

    def add(self, name: str, value: float, *labels: object) -> None:
        """Add a sample of a metric, with the values of its labels in order."""
        rows = self.by_metric.setdefault(name, {})
        key = tuple(_text(label) for label in labels)
        rows[key] = max(value, rows.get(key, value))

    def families(self) -> Iterator[Metric]:
        """Yield the metrics that have samples, in the order of METRICS, their samples sorted by labels."""
        for name, metric in METRICS.items():
            if rows := self.by_metric.get(name):
                family = GaugeMetricFamily(name, metric.about, labels=metric.labels)
                for labels, value in sorted(rows.items()):
                    family.add_metric(labels, value)
                yield family


class Collector:
    """What prometheus_client asks for metrics.

    Args:
        families: the metrics.
    """

    def __init__(self, families: Iterable[Metric]) -> None:
        self.families = [*families]

    def collect(self) -> Iterable[Metric]:
        """Return the metrics."""
        return self.families


def render(document: Mapping[str, Any]) -> str:
    """Return metrics.txt for a verdict.json; equal documents have equal texts."""
    return str(exposition.generate_latest(Collector(families(document))), "utf-8")


def families(document: Mapping[str, Any]) -> Iterator[Metric]:
    """Yield the metrics of a verdict.json."""
    cluster = document["cluster"]
    info = {"cni": document["cni"]} | {name: cluster.get(name, "") for name in INFO}
    about = "The plugin and the cluster of the run."
    yield InfoMetricFamily("netproof_run", about, {name: _text(value) for name, value in info.items()})
    samples = Samples()
    _add_run(samples, document)
    _add_requirements(samples, document)
    _add_faults(samples, document)
    _add_windows(samples, document)
    _add_paths(samples, document)
    yield from samples.families()


def _add_run(samples: Samples, document: Mapping[str, Any]) -> None:
    started = datetime.datetime.fromisoformat(document["started"])
    samples.add("netproof_run_exit_code", document["exit_code"])
    samples.add("netproof_run_start_timestamp_seconds", started.timestamp())
    samples.add("netproof_run_duration_seconds", document["seconds"])
    if (ready := document["cluster"].get("ready_seconds")) is not None:
        samples.add("netproof_cluster_ready_seconds", ready)
    for row in certified.of(document).programs:
        samples.add("netproof_program", 1, row.name, row.version, row.sha256, str(row.is_tested).lower())


def _add_requirements(samples: Samples, document: Mapping[str, Any]) -> None:
    rows = document["requirements"]
    for row in rows:
        samples.add("netproof_requirement", 1, row["id"], row["area"], row["level"], row["verdict"])
    counts = Counter((row["area"], row["level"], row["verdict"]) for row in rows)
    for area in {row["area"] for row in rows}:
        for level in LEVELS:
            for verdict in outcome.ORDER:  # with zeros, so that a graph has no gaps
                samples.add("netproof_requirements", counts[area, level, verdict], area, level, verdict)


def _add_faults(samples: Samples, document: Mapping[str, Any]) -> None:
    for _, case in stored.cases(document):
        if fact := case["facts"].get("fault"):
            samples.add("netproof_fault_outage_seconds", fact["longest_gap"], fact["id"])
            samples.add("netproof_fault_lost_datagrams", fact["lost_datagrams"], fact["id"])
            for of in ("traffic", "state"):
                if seconds := fact[f"{of}_seconds"]:
                    by = fact[of].partition(" within ")[0]  # as text it also has the seconds
                    samples.add("netproof_fault_repair_seconds", seconds, fact["id"], of, by)


def _add_windows(samples: Samples, document: Mapping[str, Any]) -> None:
    until_right: list[float] = []
    for identity, case in stored.cases(document):
        facts = case["facts"]
        if case["verdict"] in recovery.KNOWN:
            for name in recovery.WINDOWS:
                if isinstance(facts.get(name), int | float):
                    samples.add("netproof_window_seconds", facts[name], identity, name.removesuffix("_seconds"))
            for flow in facts.get(recovery.FLOWS, ()):
                samples.add("netproof_window_outage_seconds", flow["longest"], identity)
            until_right += recovery.until_right(case)
    for name, of in CHANGES.items():
        if until_right:
            samples.add("netproof_policy_change_seconds", of(until_right), name)


def _add_paths(samples: Samples, document: Mapping[str, Any]) -> None:
    for one in performance_fact.of_run(document):
        path = (one.fact["path"], one.fact["family"])
        for figure, (name, factor, labels) in PATHS.items():
            if found := one.fact["figures"].get(figure.key):
                samples.add(name, float(f"{found['value'] * factor:.{performance_fact.DIGITS}g}"), *path, *labels)
                if "ratio" in found:
                    samples.add("netproof_path_ratio", found["ratio"], *path, figure.key)


def _text(value: object) -> str:
    """Return the value of a label, without half characters that UTF-8 cannot contain."""
    return str(value).encode("utf-8", "replace").decode("utf-8")
