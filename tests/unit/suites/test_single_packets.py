"""One packet that is lost or late fails no case; what stays wrong does."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from fixtures.probes.fake import FakeNetwork
from fixtures.waiting import NeverHappenedError
from policies.ambiguities import PROFILES, Ambiguity
from policies.flow import ANY, Flow, Observation, Target
from reports.outcome import Inconclusive, Refuted
from suites.datapath import test_gone_pods
from suites.networkpolicy import test_open_questions, test_packets
from suites.support.expect import Expect

if TYPE_CHECKING:
    from pathlib import Path

    from fixtures.probes.fake import Gives, Sent
    from fixtures.testbed.testbed import Testbed

A, B = "x/a", "x/b"
PING = Flow(A, B, Target("icmp", "10.0.0.2", 0), outcome=ANY, server=B)


def lost(*numbers: int) -> Gives:
    """A network that loses packets with these numbers of each flow."""

    def gives(sent: Sent) -> Observation:
        return Observation("timeout") if sent.number in numbers else sent.healthy

    return gives


def bed(gives: Gives, profile: str = "packet-filter") -> Testbed:
    """A testbed of two probes in which an engine has this profile."""
    network = FakeNetwork({A: ["10.0.0.1", "fd00::1"], B: ["10.0.0.2", "fd00::2"]}, gives)
    cni = SimpleNamespace(variant=SimpleNamespace(profile=profile))
    return cast("Testbed", SimpleNamespace(probers=network.probers(), cni=cni))


def profile_with(*, pings: bool) -> str:
    """The name of a profile that declares whether pings pass."""
    return next(name for name, answers in PROFILES.items() if answers.get(Ambiguity.ICMP_PASSES) is pings)


def test_a_lost_ping_is_no_other_answer_than_the_declared(tmp_path: Path) -> None:
    """P45 and P22 look twice, and again where that differs."""
    through = profile_with(pings=True)
    expect = Expect(bed(lost(1, 3), through), {}, tmp_path)
    test_open_questions.require_declared(expect, Ambiguity.ICMP_PASSES, PING, through=True)
    assert expect.facts[Ambiguity.ICMP_PASSES] == "yes"


@pytest.mark.parametrize(("gives", "pings"), [(lost(*range(10**6)), True), (lost(), False)])
def test_another_answer_than_the_declared_fails(
    gives: Gives, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, pings: bool
) -> None:
    """Whichever it is, if it lasts."""
    monkeypatch.setattr(test_open_questions, "PATIENCE", 0.05)
    expect = Expect(bed(gives, profile_with(pings=pings)), {}, tmp_path)
    with pytest.raises(Refuted, match=r"declared (yes|no), observed (yes|no)"):
        test_open_questions.require_declared(expect, Ambiguity.ICMP_PASSES, PING, through=True)


def test_a_control_may_lose_a_packet_too(tmp_path: Path) -> None:
    """It is inconclusive only if it stays wrong."""
    expect = Expect(bed(lost()), {}, tmp_path)
    results = iter([["lost"], [], []])
    expect.control(lambda: next(results), "without policy")
    with pytest.raises(Inconclusive, match="without policy: lost"):
        expect.control(lambda: ["lost"], "without policy", patience=0.0)


@pytest.mark.parametrize(
    ("outcomes", "number"),
    [(["connected", "timeout"], 0), (["timeout", "timeout"], 1), (["timeout", "connected"], 2)],
)
def test_of_two_ports_one_is_open(outcomes: list[str], number: int) -> None:
    """N07 and N08 name the port that is lost and the one that is reached."""
    targets = [Target("udp", "fd00::2", port) for port in (80, 81)]
    assert len(test_packets.one_is_open(targets, outcomes, "a datagram")) == number


def test_pods_that_do_not_end_may_be_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """D64 says when it waited, so that a late machine can be the reason."""

    def delete(_: object) -> None:
        raise NeverHappenedError("the end of 9 pods did not happen", (1.0, 2.0))

    churn = type("Churn", (), {"__init__": lambda *_: None, "create": lambda _: None, "delete": delete})
    monkeypatch.setattr(test_gone_pods, "PodChurn", churn)
    testbed: Any = SimpleNamespace(kube=None, nodes=(), offered=frozenset())
    with pytest.raises(Refuted) as caught:
        test_gone_pods.create_and_delete(testbed)
    assert caught.value.during == (1.0, 2.0)
