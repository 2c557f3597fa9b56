"""What was certified: the plugin, its programs with digests, and the cluster."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

GIVEN = "given"  # the origin of a program that the user named


@dataclass(frozen=True)
class Program:
    """A program of the run.

    Attributes:
        name: its name.
        version: its version.
        sha256: its digest, in hexadecimal.
        origin: how netproof obtained it; "" if not known.
        is_tested: whether it is one of the plugin's, or one that the user gave.
    """

    name: str
    version: str
    sha256: str
    origin: str
    is_tested: bool

    @property
    def is_given(self) -> bool:
        """Whether the user gave it, so that its version is not known and its digest tells builds apart."""
        return self.origin.startswith(GIVEN)


@dataclass(frozen=True)
class Certified:
    """What was certified.

    Attributes:
        rows: (name, value) of the plugin, the cluster and the run.
        programs: all programs, those under test first.
    """

    rows: tuple[tuple[str, str], ...]
    programs: tuple[Program, ...]


def of(document: Mapping[str, Any]) -> Certified:
    """Return what a verdict.json certifies."""
    names = re.split(r"[:+]", document["cni"].rstrip("/").rpartition("/")[2])
    programs = [_program(row, names) for row in document["programs"]]
    programs.sort(key=lambda program: (not program.is_tested, program.name))
    rows = [(name, value) for name, value in _rows(document) if value]
    return Certified(tuple(rows), tuple(programs))


def _program(row: Mapping[str, str], names: list[str]) -> Program:
    origin = row.get("origin", "")
    is_tested = origin.startswith(GIVEN) or any(name and row["name"].startswith(name) for name in names)
    return Program(row["name"], row["version"], row["sha256"], origin, is_tested)


def _rows(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    cluster = document["cluster"]
    yield "Plugin", document["cni"]
    yield "Kubernetes", cluster.get("kubernetes", "")
    yield "Kernel", cluster.get("kernel", "")
    yield "Service proxy", cluster.get("proxy_mode", "")
    yield "Nodes", " ".join(filter(None, [str(cluster.get("nodes", "")), f"({cluster['provider']})"]))
    yield "Address families", ", ".join(cluster.get("families", ()))
    yield "MTU of the underlay", str(cluster.get("mtu", ""))
    yield "Encapsulation", cluster.get("datapath", {}).get("encapsulation", "")
    yield "MTU of pods", str(cluster.get("datapath", {}).get("pod_mtu", ""))
    yield "Started", document["started"].replace("T", " ").replace("Z", " UTC")
    yield "Duration", f"{document['seconds']:.0f} s"
    yield "Seed", str(document["seed"]) + (f", order {document['shuffle']}" if "shuffle" in document else "")
