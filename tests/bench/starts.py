"""Start labs one after the other: `nox -s bench -- --starts 20`, and the timeline of one: `-- --timeline FILE.svg`."""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

from fixtures import lifeline
from tests.bench import timeline
from tests.support.open_lab import lab

API = "start the lab"  # the step that ends when the API serves objects


def start(folder: Path) -> tuple[float, float, list[timeline.Bar]]:
    """Start a lab and end it; the seconds until its API serves and until every probe pod answers, and the timeline."""
    provider = lab(folder)
    provider.prepare()
    begun = time.time()
    try:
        testbed = provider.up()
        testbed.forget_probers()
    finally:
        provider.down()
    bars = timeline.of_runner(provider.progress, begun) + timeline.of_logs(folder / "cluster", begun)
    return provider.progress.seconds[API], testbed.facts["ready_seconds"], bars


def main() -> int:
    """Start labs, print the seconds of each and their median, and draw the last one."""
    lifeline.die_with_starter()
    parser = argparse.ArgumentParser(prog="nox -s bench --")
    parser.add_argument("--starts", type=int, default=1, metavar="N", help="how many labs (1)")
    parser.add_argument("--timeline", type=Path, metavar="FILE", help="draw the last start as SVG")
    options = parser.parse_args()
    rows = []
    for number in range(options.starts):
        with tempfile.TemporaryDirectory(prefix="netproof-bench-") as folder:
            *seconds, bars = start(Path(folder) / "lab")
        rows.append(seconds)
        sys.stdout.write(f"start {number + 1}: API {seconds[0]:.2f} s, probe pods answer {seconds[1]:.2f} s\n")
        sys.stdout.flush()
    for name, column in zip(("API", "probe pods answer"), zip(*rows, strict=True), strict=True):
        sys.stdout.write(f"{name}: median {statistics.median(column):.2f} s, longest {max(column):.2f} s\n")
    if options.timeline:
        options.timeline.write_text(timeline.draw(f"Start of a lab, {rows[-1][1]:.2f} s", bars))
        sys.stdout.write(f"timeline: {options.timeline}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
