"""The assertion vocabulary of the suites: flows, findings, and controls."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from fixtures.probes import judging
from fixtures.probes.judging import DeadServerError
from fixtures.probes.prober import DENY_TIMEOUT
from fixtures.probes.settling import PATIENCE, settle
from fixtures.probes.stream import StreamBrokenError
from fixtures.waiting import PluginNotReadyError
from policies import matrix
from reports import evidence, wrong_fact
from reports.outcome import Inconclusive, Refuted
from suites.support import failures, wrong_flows
from suites.support.policies import LOST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from fixtures.probes.prober import Prober
    from fixtures.testbed.testbed import Testbed
    from fixtures.workspaces.probing import StateResult
    from fixtures.workspaces.workspace import Workspace
    from policies.flow import Flow

SERVERS = 4.0  # seconds for servers to answer on their own hosts, if flows have fewer; our patience
SHOWN = 20  # wrong flows that a message lists; the evidence has all


class WrongFlows(Refuted):
    """Flows are wrong that were sent together with the controls of their servers."""


@dataclass
class Expect:
    """Assertions of a case; every method fails the case if its expectation does not hold.

    Attributes:
        testbed: the cluster under test.
        facts: results of the case for the report.
        evidence: folder for evidence.
        requirements: ids of the requirements of the case, separated by commas.
    """

    testbed: Testbed
    facts: dict[str, Any]
    evidence: Path
    requirements: str = ""

    def keep_state(self, workspace: Workspace, result: StateResult) -> None:
        """Keep the evidence of a workspace while it is in a state with wrong flows."""
        failures.keep_state(workspace, result, self.evidence, self.requirements)

    def flows(
        self,
        flows: Sequence[Flow],
        *,
        probers: Mapping[str, Prober] | None = None,
        timeout: float = DENY_TIMEOUT,
        rounds: int = 1,
        patience: float = PATIENCE,
    ) -> float:
        """Every flow is as expected, twice in a row; flows that were wrong before that stay in the report.

        Returns the seconds until they were.

        Args:
            flows: the flows.
            probers: probers of the clients and servers, if a case has pods of its own.
            timeout: seconds after which a flow counts as lost.
            rounds: how often each is sent.
            patience: seconds until they have to be right.

        Raises:
            Inconclusive: a server does not answer on its own host, and no flow is wrong whatever it would answer.
            ValueError: a server has no prober on its host.
        """
        __tracebackhide__ = True
        _require_some(flows)
        batch = judging.Batch(self.testbed.probers if probers is None else probers, flows, timeout, rounds)
        judged = judging.settle(batch, patience=patience, servers=SERVERS, lost=LOST)
        return self.settled(flows, judged, probers)

    def settled(
        self, flows: Sequence[Flow], judged: judging.Judged, probers: Mapping[str, Prober] | None = None
    ) -> float:
        """Flows that were sent are as expected; see `flows`.

        Args:
            flows: the flows.
            judged: how they settled.
            probers: those that sent them, if they are not the testbed's.
        """
        __tracebackhide__ = True
        self.facts["flows"] = self.facts.get("flows", 0) + len(flows)
        self.facts["attempts"] = max(self.facts.get("attempts", 0), judged.attempts)
        if judged.on_the_way:
            self.facts["on_the_way"] = judged.on_the_way[:SHOWN]
        if judged.unknown:
            raise Inconclusive(_silent(judged.dead))
        if judged.wrong:
            self._fail_flows(flows, judged, self.testbed.probers if probers is None else probers)
        return judged.seconds

    def _fail_flows(self, flows: Sequence[Flow], judged: judging.Judged, probers: Mapping[str, Prober]) -> None:
        __tracebackhide__ = True
        wrong = judged.wrong
        self.facts[wrong_fact.FACT] = wrong_flows.of_batch(flows, judged, self.testbed)
        shown = matrix.build(flows, wrong)
        evidence.attach_matrix("matrix", shown, self.evidence)
        lines = [str(item) for item in wrong]
        evidence.attach_text("wrong flows", "\n".join(lines), self.evidence)
        failures.keep_flow(self.testbed, self.evidence, self.requirements, wrong, probers)
        beside = f"\n\nBesides, {_silent(judged.dead)}" if judged.dead else ""
        raise WrongFlows(
            f"{len(wrong)} of {len(flows)} flows are wrong, {judged.attempts} attempts in {judged.seconds:.1f} s:\n"
            + _first(lines)
            + f"\n\n{shown.text()}{beside}",
            judged.of_time,
        )

    @contextmanager
    def answering(self, flows: Sequence[Flow], *, probers: Mapping[str, Prober] | None = None) -> Iterator[None]:
        """A result inside counts only if the servers of these flows answer on their own hosts afterwards.

        For packets that are not sent by `flows`, which has controls of its own: single packets, transfers, connections
        that a pod opens.  Without flows the case is unsupported, as with `flows`.

        Raises:
            Inconclusive: one does not.
        """
        __tracebackhide__ = True
        _require_some(flows)
        batch = judging.Batch(self.testbed.probers if probers is None else probers, flows)
        try:
            yield
        except WrongFlows:
            raise
        except Refuted:
            _require_servers(batch)
            raise
        _require_servers(batch)

    def nothing_soon(self, look: Callable[[], Sequence[object]], what: str, *, patience: float = PATIENCE) -> float:
        """A check has no findings, twice in a row; findings before that stay in the report.

        Returns the seconds until then.
        """
        __tracebackhide__ = True
        settled = settle(look, patience=patience)
        self.facts["attempts"] = settled.attempts
        if settled.on_the_way:
            self.facts["on_the_way"] = settled.on_the_way[:SHOWN]
        self.nothing(settled.wrong, what, None if settled.lasting else settled.during)
        return settled.seconds

    def control(self, look: Callable[[], Sequence[object]], what: str, *, patience: float = PATIENCE) -> None:
        """A check that has no findings, twice in a row, before a case changes anything; see nothing_soon.

        Raises:
            Inconclusive: it has.
        """
        __tracebackhide__ = True
        if found := settle(look, patience=patience).wrong:
            raise Inconclusive(f"{what}: {_first([str(finding) for finding in found])}")

    def nothing(self, findings: Iterable[object], what: str, during: tuple[float, float] | None = None) -> None:
        """There are no findings; during: the monotonic times of the check, if a late machine may explain findings."""
        __tracebackhide__ = True
        lines = [str(finding) for finding in findings]
        if lines:
            evidence.attach_text("findings", "\n".join(lines), self.evidence)
            raise Refuted(f"{what}:\n{_first(lines)}", during)


def _require_some(flows: Sequence[Flow]) -> None:
    """Skip a case that has no flows in this cluster."""
    __tracebackhide__ = True
    if not flows:
        pytest.skip("the cluster has nothing of the kind: too few nodes")


@contextmanager
def refuted_by_plugin() -> Iterator[None]:
    """What inside is the plugin's failure refutes the case's requirement, although another error was raised.

    That is an agent that does not become ready again, and a pod that gets no network.  An error while a case cleans up
    does not replace its verdict, and a probe that is gone or silent on its own host is a control that failed.

    Raises:
        Refuted: the plugin failed, or had failed before the error.
        Inconclusive: a probe does not work, or the case was inconclusive before the error.
    """
    __tracebackhide__ = True
    try:
        yield
    except (Refuted, Inconclusive):
        raise
    except PluginNotReadyError as error:
        raise Refuted(str(error), error.during) from error
    except Exception as error:
        verdict = _verdict_before(error)
        if isinstance(verdict, Refuted):
            raise Refuted(f"{verdict}\nAfter that: {error}", verdict.during) from error
        if verdict:
            raise Inconclusive(f"{verdict}\nAfter that: {error}") from error
        if isinstance(error, DeadServerError | StreamBrokenError):
            raise Inconclusive(str(error)) from error
        raise


def _verdict_before(error: BaseException) -> Refuted | Inconclusive | None:
    """The verdict that was on its way when an error was raised in its stead."""
    before = error.__context__
    while before is not None and not isinstance(before, Refuted | Inconclusive):
        before = before.__context__
    return before


def _require_servers(batch: judging.Batch) -> None:
    __tracebackhide__ = True
    if not batch.alive_within(SERVERS):
        raise Inconclusive(_silent(batch.dead()))


def require(holds: object, otherwise: str) -> None:
    """Fail the requirement with a message unless something holds.

    Cases use this instead of assert: a bare AssertionError counts as an error of netproof.
    """
    __tracebackhide__ = True
    if not holds:
        raise Refuted(otherwise)


def _silent(dead: Sequence[str]) -> str:
    return f"probe servers do not answer on their own hosts: {_first([*dead])}"


def _first(lines: list[str]) -> str:
    """As many lines as a message shows, and how many more there are."""
    more = [f"… and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else []
    return "\n".join(lines[:SHOWN] + more)
