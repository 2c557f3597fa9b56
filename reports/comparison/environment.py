"""What the sides are: plugin, datapath, cluster, programs, and answers to open points of the specification."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from policies.ambiguities import Ambiguity
from reports.comparison.difference import Matters, Row, Section
from reports.comparison.sides import changed_programs
from reports.report.texts import plural

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reports.comparison.sides import Side

UNKNOWN = "not known"
BEHAVIOUR = "Answers to open points of the specification"
PROGRAMS = "Programs"
SETTINGS = "Plugin, datapath and cluster"


def of(sides: Sequence[Side]) -> Section:
    """Return the settings that differ: what packets pass first, then the cluster, then programs."""
    readers = [*SETTING_READERS.items(), *((name.replace("-", " "), _fact(name)) for name in Ambiguity)]
    rows, compared = [], 0
    for number, (name, read) in enumerate(readers):
        values = [read(side) for side in sides]
        known = {value for value in values if value}
        compared += len([value for value in values if value]) > 1
        if len(known) > 1:
            is_setting = name in SETTING_READERS
            matters = Matters.DATAPATH if name in DATAPATH else Matters.LITTLE
            group = SETTINGS if is_setting else BEHAVIOUR
            cells = tuple(value or UNKNOWN for value in values)
            rows.append(Row("", name, cells, weight=len(readers) - number, matters=matters, group=group))
    programs = [*_programs(sides, tested=True), *_programs(sides, tested=False)]
    shared = set.intersection(*({*side.programs} for side in sides)) if sides else set()
    same = f"{compared - len(rows)} of {plural(compared, 'setting')} and {len(shared) - len(programs)} of "
    sentence = f"{same}{plural(len(shared), 'program')} are the same."
    return Section(
        "environment", "Cluster and programs", (*rows, *programs), (sentence,), (SETTINGS, PROGRAMS, BEHAVIOUR)
    )


def _programs(sides: Sequence[Side], *, tested: bool) -> list[Row]:
    """Return the programs that differ."""
    changed = changed_programs(sides, tested=tested)
    note = "of the plugin, or given by the user" if tested else ""
    return [Row("", name, versions, group=PROGRAMS, detail=note) for name, versions in changed.items()]


def _fact(name: str) -> Callable[[Side], str]:
    """Return a reader of a fact of a side's cases."""
    return lambda side: _text(side.fact(name))


def _of_cluster(name: str) -> Callable[[Side], str]:
    """Return a reader of a fact of a side's cluster."""
    return lambda side: _text(side.cluster.get(name))


def _text(value: Any) -> str:  # noqa: ANN401 - JSON
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)


def _encapsulation(side: Side) -> str:
    """Return the encapsulation that packets had, else the one that the plugin declares."""
    return _text(side.fact("encapsulation") or side.cluster.get("datapath", {}).get("encapsulation"))


def _pod_mtu(side: Side) -> str:
    """Return the MTU that pods had, else the one that the declared encapsulation leaves."""
    return _text(side.fact("mtu") or side.cluster.get("datapath", {}).get("pod_mtu"))


def _path(side: Side) -> str:
    """Return the devices that a packet between pods of two nodes passed, without names of nodes."""
    return " → ".join(str(name).rpartition(" ")[2] for name, _ in side.fact("hops") or ())


# What differs between plugins → a reader of it, the most important first.
SETTING_READERS: dict[str, Callable[[Side], str]] = {
    "Plugin": lambda side: side.cni,
    "Encapsulation": _encapsulation,
    "MTU of pods": _pod_mtu,
    "Path of a packet": _path,
    "Address families": _of_cluster("families"),
    "Service proxy": _of_cluster("proxy_mode"),
    "Kubernetes": _of_cluster("kubernetes"),
    "Kernel": _of_cluster("kernel"),
    "Provider of the cluster": _of_cluster("provider"),
    "Nodes": _of_cluster("nodes"),
    "MTU of the underlay": _of_cluster("mtu"),
}
DATAPATH = ("Encapsulation", "MTU of pods")
