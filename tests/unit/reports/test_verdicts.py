"""Verdicts, levels, exit codes, and verdict.json."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies import requirements
from reports import lateness, outcome, plugin, verdict
from reports.ledger import Ledger
from reports.outcome import Verdict
from reports.record import ATTRIBUTE, Record

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

FACTS: dict[str, Any] = {"cni": "flannel:vxlan", "cluster": {"provider": "lab"}, "programs": []}


def record(verdict: str, *ids: str, **facts: object) -> Record:
    """Make a record of a case that cites these requirements."""
    case = f"suites/test_x.py::test_{verdict}"
    return Record(case, "Something holds.", ids, Verdict(verdict), 0.1, facts=facts)


def ledger(*records: Record) -> Ledger:
    """Make a ledger with these records."""
    result = Ledger()
    for item in records:
        result.add(item)
    return result


@pytest.mark.parametrize(
    ("records", "code"),
    [
        ([], 2),
        ([record("passed", "D01")], 0),
        ([record("passed", "D01"), record("unsupported", "D02")], 0),
        ([record("unsupported", "D02")], 2),
        ([record("passed", "D01"), record("failed", "D02")], 1),
        ([record("passed", "D01"), record("failed", "D04")], 0),  # D04 is a SHOULD
        ([record("passed", "D01"), record("inconclusive", "D04")], 0),
        ([record("passed", "D01"), record("inconclusive", "D02")], 2),
        ([record("failed", "D01"), record("inconclusive", "D02")], 1),
        ([record("failed", "D01"), record("error", "D04")], 1),
        ([record("passed", "D01"), record("error")], 3),
    ],
)
def test_the_exit_code_follows_levels_and_the_worst_verdict(records: list[Record], code: int) -> None:
    """MUST decides, errors count at every level but excuse no failure; a run that tested no MUST is inconclusive."""
    assert verdict.exit_code(ledger(*records)) == code


def test_a_record_survives_the_way_to_the_controller() -> None:
    """It is transferred as JSON and read back as an equal record; facts that are not JSON are rejected."""
    report = pytest.TestReport("suites/x.py::test_x", ("x.py", 1, "x"), {}, "passed", None, "call")
    assert Record.of(report) is None
    sent = record("passed", "D01", flows=9, unsupported=None)
    sent.attach(report)
    assert isinstance(getattr(report, ATTRIBUTE), str)
    assert Record.of(report) == sent
    with pytest.raises(TypeError, match="set"):
        record("passed", nodes={"node1"}).attach(report)


def test_an_unsupported_case_does_not_hide_a_failed_one() -> None:
    """A requirement with a failed and an unsupported case has failed."""
    rows = ledger(record("unsupported", "D03"), record("failed", "D03"), record("passed", "D03")).requirements()
    assert [row["verdict"] for row in rows] == ["failed"]


@pytest.mark.parametrize(
    ("raised", "result"),
    [
        (outcome.Refuted("2 of 9 flows are wrong"), "failed"),
        (outcome.Inconclusive("the server of a pod is dead"), "inconclusive"),
        (AssertionError("a stream without standard input"), "error"),
        (KeyError("eth0"), "error"),
    ],
)
def test_only_a_refuted_requirement_fails(raised: Exception, result: str) -> None:
    """A bare AssertionError is a broken assumption of netproof and never fails the plugin."""

    def case() -> None:
        raise raised

    call = pytest.CallInfo.from_call(case, "call")
    report = pytest.TestReport("suites/x.py::test_x", ("x.py", 1, "x"), {}, "failed", None, "call")
    assert plugin.verdict_of(report, call) == result


@given(st.lists(st.sampled_from(list(Verdict))))
def test_the_worst_verdict_wins_in_any_order(verdicts: list[Verdict]) -> None:
    """The worst of some verdicts does not depend on their order and is one of them."""
    worst = outcome.worst(verdicts)
    assert worst == outcome.worst(reversed(verdicts))
    assert worst in (verdicts or [Verdict.PASSED])


def test_verdict_json_follows_its_schema_and_counts_by_level() -> None:
    """A failed SHOULD is counted and listed, and the run passes."""
    document = verdict.build(
        ledger(record("passed", "D01"), record("failed", "D04")),
        FACTS,
        started="2026-01-01T00:00:00Z",
        seconds=1,
        seed=7,
    )
    assert document["verdict"] == "passed"
    assert document["counts"]["failed"] == {"MUST": 0, "SHOULD": 1, "MAY": 0}
    assert [row["id"] for row in document["requirements"]] == ["D01", "D04"]


def test_every_requirement_has_a_level_a_sentence_and_a_link() -> None:
    """The requirement files follow their schema, and each sentence ends with a full stop."""
    known = requirements.load()
    assert len(known) >= 33
    assert all(requirement.sentence.endswith(".") for requirement in known.values())


LATE = {"seconds": 12.0, "lost_seconds": 5.16, "worst_timer_seconds": 0.9}


def measure(*, explains: bool) -> lateness.Measure:
    """Return a measurement of a machine that is always late."""
    return lambda begun, ended: {**LATE, "explains": explains, "reason": f"late from {begun} to {ended}"}


@pytest.mark.parametrize(
    ("raised", "explains", "result"),
    [
        (outcome.Refuted("2 of 9 flows are wrong", (5, 17)), True, outcome.TooLate),
        (outcome.Refuted("2 of 9 flows are wrong", (5, 17)), False, outcome.Refuted),
        (outcome.Refuted("misdelivered"), True, outcome.Refuted),
        (outcome.Inconclusive("the server of a pod is dead"), True, outcome.Inconclusive),
        (KeyError("eth0"), True, KeyError),
    ],
)
def test_a_late_machine_explains_what_depends_on_time(
    raised: Exception, result: type[Exception], *, explains: bool
) -> None:
    """A wrong source address stays a failure, and so does everything on a machine that was only a little late."""
    with pytest.raises(Exception, match=r".") as caught, lateness.inconclusive_if_late(measure(explains=explains)):
        raise raised
    assert type(caught.value) is result
    if result is outcome.TooLate:
        assert "late from 5 to 17" in str(caught.value)
        assert "2 of 9 flows are wrong" in str(caught.value)


def test_without_a_measurement_a_failure_is_a_failure() -> None:
    """The hook returns None if the lateness was negligible or not measured."""
    with pytest.raises(outcome.Refuted), lateness.inconclusive_if_late(lambda *_: None):
        raise outcome.Refuted("2 of 9 flows are wrong", (5, 17))


def test_reports_state_how_late_the_machine_was() -> None:
    """verdict.json has the lateness of the run and of each case, the summary a sentence if it had an effect."""
    late = record("inconclusive", "D01", lateness=LATE | {"inconclusive": True})
    document = verdict.build(ledger(late), FACTS | {"lateness": LATE}, started="x", seconds=1, seed=7)
    assert document["lateness"] == LATE
    assert lateness.sentence(document).endswith("for 43% of the run; cases that are inconclusive because of it: 1.")
    on_time = verdict.build(ledger(record("passed", "D01")), FACTS, started="x", seconds=1, seed=7)
    assert lateness.sentence(on_time) == ""
    with pytest.raises(jsonschema.ValidationError):
        verdict.build(ledger(late), FACTS | {"lateness": {"share": 1}}, started="x", seconds=1, seed=7)


@pytest.mark.parametrize("phase", [plugin.pytest_runtest_setup, plugin.pytest_runtest_call])
def test_a_late_machine_explains_failures_in_every_phase(phase: Callable[[Any], Generator[None, None, None]]) -> None:
    """Fixtures of a case are treated like the case itself."""

    def hook(config: object, begun: float, ended: float) -> lateness.Lateness:
        return measure(explains=config is not None)(begun, ended)

    running = phase(SimpleNamespace(config=SimpleNamespace(hook=SimpleNamespace(pytest_netproof_lateness=hook))))
    next(running)
    with pytest.raises(outcome.TooLate):
        running.throw(outcome.Refuted("2 of 9 flows are wrong", (5, 17)))


def test_a_record_has_the_lateness_of_the_machine() -> None:
    """Its facts state the lateness, and whether the case is inconclusive because of it."""

    def too_late() -> None:
        raise outcome.TooLate("12 s")

    for case, inconclusive in ((too_late, True), (lambda: None, False)):
        call = pytest.CallInfo.from_call(case, "call")
        assert lateness.facts(measure(explains=True), call) == {"lateness": LATE | {"inconclusive": inconclusive}}
        assert lateness.facts(lambda *_: None, call) == {}
