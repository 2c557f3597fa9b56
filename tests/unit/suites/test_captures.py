"""Captures and continuous flows that do not end: the others end, and the case keeps its verdict."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from fixtures.probes.results import Capture
from fixtures.probes.stream import StreamBrokenError
from reports.outcome import Inconclusive, Refuted
from suites.datapath.test_replaced_agents import flowing
from suites.support.captures import Captures
from suites.support.expect import Expect, refuted_by_plugin

if TYPE_CHECKING:
    from pathlib import Path

    from fixtures.testbed.testbed import Testbed


class Host:
    """A prober whose captures and flows may not end."""

    def __init__(self, *, begins: bool = True, ends: bool = True) -> None:
        self.begins, self.ends, self.running = begins, ends, 0

    def start_capture(self, *_: object) -> None:
        """Begin, or raise an error."""
        if not self.begins:
            raise StreamBrokenError("The probe is gone.")
        self.running += 1

    def stop_capture(self, *_: object) -> Capture:
        """End, or raise an error."""
        self.running -= 1
        if not self.ends:
            raise StreamBrokenError("The probe is gone.")
        return Capture(0, [])

    start_flows = start_capture

    def stop_flows(self, *_: object) -> list[object]:
        """End, or raise an error."""
        self.stop_capture()
        return []


def bed(*hosts: Host) -> Testbed:
    """A testbed of these hosts, each with a pod of the same prober."""
    keys = [f"n{number}" for number, _ in enumerate(hosts)]
    pods = {key: SimpleNamespace(key=key, ip=lambda _: "10.0.0.1") for key in keys}
    probers = dict(zip(keys, hosts, strict=True))
    made = SimpleNamespace(hosts=pods, probers=probers, nodes=keys, pods_on=lambda node: [pods[node]])
    return cast("Testbed", made)


@pytest.mark.parametrize("verdict", [Refuted("wrong source"), Inconclusive("the server is dead")])
@pytest.mark.parametrize("broken", [0, 1])
def test_what_does_not_end_replaces_no_verdict(tmp_path: Path, broken: int, verdict: Exception) -> None:
    """Whichever does not, all others end."""
    hosts = [Host(ends=number != broken) for number in range(2)]
    testbed = bed(*hosts)
    message = f"{verdict}\nAfter that: The probe is gone"
    with pytest.raises(type(verdict), match=message), refuted_by_plugin(), Captures(testbed, "K05"):
        raise verdict
    with (
        pytest.raises(type(verdict), match=message),
        refuted_by_plugin(),
        flowing(testbed, "D18", Expect(testbed, {}, tmp_path), "ipv4"),
    ):
        raise verdict
    assert [host.running for host in hosts] == [0, 0]


def test_captures_that_do_not_begin_everywhere_end() -> None:
    """None goes on after the case."""
    first, second = Host(), Host(begins=False)
    with pytest.raises(StreamBrokenError), Captures(bed(first, second), "K05"):
        pass
    assert first.running == 0
