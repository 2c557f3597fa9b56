"""What an engine keeps on the nodes, and what its agents use there."""

from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from fixtures.clusters.protocol import run_on
from fixtures.testbed import leftovers

if TYPE_CHECKING:
    from fixtures.cnis.catalogue import Agent
    from fixtures.testbed.testbed import Testbed

DESCRIPTORS = 8  # more open files than before that an agent may have: new watches, a log that was rotated
TICKS = os.sysconf("SC_CLK_TCK")  # clock ticks per second in /proc
PAGES = os.sysconf("SC_PAGE_SIZE") / 2**20  # MiB
FIRST_TIME, RESIDENT = 11, 21  # fields of /proc/PID/stat behind the name: utime and the three after it, rss


class Load(NamedTuple):
    """What an engine keeps on a node: the number of items by kind, and of open files of its agents by name."""

    items: Counter[str]
    files: Counter[str]


def load_of(testbed: Testbed) -> dict[str, Load]:
    """The load of every node."""
    result = {}
    for node, traces in leftovers.read(testbed.cluster, testbed.nodes).items():
        items: Counter[str] = Counter()
        for trace, number in traces.items():
            if trace.kind in leftovers.RULES:
                items[trace.kind] += number
        files = Counter({agent.name: descriptors(testbed, node, agent) for agent in testbed.cni.agents})
        result[node] = Load(items, files)
    return result


def descriptors(testbed: Testbed, node: str, agent: Agent) -> int:
    """The number of open files of an agent; 0 if it does not run."""
    script = f"ls /proc/{agent.pid}/fd | wc -l"
    return int(run_on(testbed.cluster, node, ["sh", "-c", f"{script} 2>/dev/null"], check=False).out or 0)


def grown(before: dict[str, Load], after: dict[str, Load]) -> list[str]:
    """What is more than before: a line for each node and kind."""
    lines = []
    for node, load in after.items():
        old = before[node]
        lines += [
            f"{node}: {number} items of {kind}, {old.items[kind]} before"
            for kind, number in sorted(load.items.items())
            if number > old.items[kind]
        ]
        lines += [
            f"{node}: {number} open files of {name}, {old.files[name]} before"
            for name, number in sorted(load.files.items())
            if number > old.files[name] + DESCRIPTORS
        ]
    return lines


class Usage(NamedTuple):
    """What an agent has used: processor seconds, with those of its ended children, and resident memory in MiB."""

    seconds: float
    resident: float


def usage(testbed: Testbed, node: str) -> dict[str, Usage]:
    """What each agent of a node has used so far, by its name; those whose process is not found are left out."""
    result = {}
    for agent in testbed.cni.agents:
        script = f"cat /proc/{agent.pid}/stat"
        done = run_on(testbed.cluster, node, ["sh", "-c", script], check=False)
        if done.code == 0 and done.out:
            fields = done.out.rpartition(") ")[2].split()
            ticks = sum(map(int, fields[FIRST_TIME : FIRST_TIME + 4]))
            result[agent.name] = Usage(ticks / TICKS, int(fields[RESIDENT]) * PAGES)
    return result
