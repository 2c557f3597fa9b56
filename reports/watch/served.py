"""The metrics that a watch serves: those of the newest run that wrote a verdict, and those of the watch itself."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily

from reports.exports import metrics
from reports.watch.arguments import RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from prometheus_client.metrics_core import Metric

RUNS = "netproof_watch_runs"  # without _total, which the library adds to counters
# Name of a metric that is a number → its description.
NUMBERS = {
    "netproof_watch_interval_seconds": "Seconds from the beginning of a run to the beginning of the next one.",
    "netproof_watch_run_in_progress": "1 while a run is in progress.",
    "netproof_watch_last_exit_code": "Exit code of the last run; it may have written no verdict.",
    "netproof_watch_last_verdict_written": "1 if the last run wrote a verdict; else netproof_run is an earlier one.",
    "netproof_watch_last_success_timestamp_seconds": "When the last run with exit code 0 ended.",
    "netproof_watch_last_failure_timestamp_seconds": "When the last run with another exit code ended.",
}


@dataclass(eq=False)  # prometheus_client keeps it in a dictionary
class State:
    """What a watch has seen so far; a scrape in another thread may read it at any time.

    Attributes:
        numbers: name of a metric of NUMBERS → its value.
        runs: {exit code: number of runs that ended with it}.
        run: the metrics of the newest run that wrote a verdict.
        lock: held while a run's results replace those of the run before.
    """

    numbers: dict[str, float] = field(default_factory=dict)
    runs: dict[int, int] = field(default_factory=lambda: dict.fromkeys(range(5), 0))
    run: list[Metric] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self) -> None:
        """Record that a run has begun."""
        with self.lock:
            self.numbers["netproof_watch_run_in_progress"] = 1

    def end(self, code: int, document: Mapping[str, Any] | None, at: float) -> None:
        """Record the end of a run.

        Args:
            code: its exit code.
            document: the content of its verdict.json; None if it wrote none.
            at: when it ended, in seconds since 1970.
        """
        run = [*metrics.families(document)] if document else None
        with self.lock:
            self.run = self.run if run is None else run
            self.runs[code] = self.runs.get(code, 0) + 1
            self.numbers |= {
                "netproof_watch_run_in_progress": 0,
                "netproof_watch_last_exit_code": code,
                "netproof_watch_last_verdict_written": int(document is not None),
                f"netproof_watch_last_{'failure' if code else 'success'}_timestamp_seconds": at,
            }

    def collect(self) -> Iterator[Metric]:
        """Yield all metrics."""
        with self.lock:
            runs, numbers, run = dict(self.runs), dict(self.numbers), [*self.run]
        counter = CounterMetricFamily(RUNS, "Runs that ended, by exit code.", labels=["exit_code"])
        for code, count in sorted(runs.items()):
            counter.add_metric([str(code)], count)
        yield counter
        for name, about in NUMBERS.items():
            if name in numbers:
                yield GaugeMetricFamily(name, about, numbers[name])
        yield from run


@dataclass(frozen=True)
class Server:
    """A server of metrics.

    Attributes:
        state: what it serves.
        url: the address of the metrics.
    """

    state: State
    url: str


@contextlib.contextmanager
def serve(state: State, address: str, port: int) -> Iterator[Server]:
    """Serve the metrics in a thread of this process.

    Args:
        state: what to serve.
        address: the address to open.
        port: the port; 0 for any free one.

    Raises:
        RefusedError: the port or the address is not available.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(state)
    try:
        server, thread = start_http_server(port, address, registry)
    except OSError as error:
        raise RefusedError(
            f"--address {address} --port {port} cannot be opened: {error.strerror or error}."
        ) from error
    host = f"[{address}]" if ":" in address else address
    try:
        yield Server(state, f"http://{host}:{server.server_port}/metrics")
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
