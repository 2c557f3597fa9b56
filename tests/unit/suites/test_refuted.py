"""What was the plugin's failure stays that, whatever else goes wrong in its case, and does not concern other cases."""

from __future__ import annotations

from contextlib import ExitStack
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from fixtures.cnis import agents
from fixtures.errors import NetproofError
from fixtures.probes import pods
from fixtures.probes.fake import FakeNetwork
from fixtures.probes.judging import DeadServerError
from fixtures.probes.stream import StreamBrokenError
from fixtures.waiting import NeverHappenedError, PluginNotReadyError
from fixtures.workspaces import fake
from policies import cases
from policies.families import Family
from reports.outcome import Inconclusive, Refuted
from suites.networkpolicy import test_corpus as corpus
from suites.services import test_endpoints
from suites.support.expect import Expect, refuted_by_plugin

if TYPE_CHECKING:
    from pathlib import Path

    from fixtures.cnis.catalogue import Agent
    from fixtures.kube.client import Kube
    from fixtures.testbed.services import Services
    from fixtures.testbed.testbed import Testbed
    from fixtures.workspaces.workspace import Workspace
    from policies.cases import Case


def fail(*errors: Exception) -> None:
    """Raise the first error, and each further one while the one before it is on its way."""
    with ExitStack() as cleanup:
        for error in reversed(errors[1:]):
            cleanup.callback(fail, error)
        raise errors[0]


def test_an_error_while_cleaning_up_excuses_nothing() -> None:
    """The refutation stays, with the error behind it; an inconclusive result and an error of ours stay themselves."""
    with pytest.raises(Refuted, match=r"wrong source\nAfter that: pods did not end") as caught, refuted_by_plugin():
        fail(Refuted("wrong source", (1.0, 2.0)), NetproofError("pods did not end"))
    assert caught.value.during == (1.0, 2.0)
    with pytest.raises(Inconclusive), refuted_by_plugin():
        fail(Refuted("wrong source"), Inconclusive("the server is dead"))
    with pytest.raises(Inconclusive, match=r"dead\nAfter that: the capture"), refuted_by_plugin():
        fail(Inconclusive("the server is dead"), NetproofError("the capture does not end"))
    with pytest.raises(NetproofError), refuted_by_plugin():
        fail(NetproofError("ours"))


@pytest.mark.parametrize("error", [DeadServerError("no control"), StreamBrokenError("The probe is gone.")])
def test_a_probe_that_does_not_work_makes_a_case_inconclusive(error: NetproofError) -> None:
    """Also where a case reads results, or requests something, without Expect; a refutation before it stays."""
    with pytest.raises(Inconclusive, match=str(error)), refuted_by_plugin():
        raise error
    with pytest.raises(Refuted, match="wrong source"), refuted_by_plugin():
        fail(Refuted("wrong source"), error)


def test_a_client_that_is_gone_makes_a_refusal_inconclusive(tmp_path: Path) -> None:
    """D31 reads what its clients observe by itself."""
    network = FakeNetwork({"x/a": ["10.0.0.1"]}, gone={"x/a"})
    client = SimpleNamespace(key="x/a")
    testbed = SimpleNamespace(probers=network.probers(), pods={"x/a": client}, hosts={})
    services = cast("Services", SimpleNamespace(cluster_ip=lambda *_: "10.96.0.1"))
    bed = cast("Testbed", testbed)
    with pytest.raises(Inconclusive, match="The probe in x/a is gone"), refuted_by_plugin():
        test_endpoints.test_a_service_without_endpoints_refuses_at_once(
            bed, Expect(bed, {}, tmp_path), services, Family.IPV4
        )


@pytest.mark.parametrize(("reason", "by_plugin"), [("FailedCreatePodSandBox", True), ("FailedMount", False)])
def test_a_pod_without_network_is_the_plugins_failure(reason: str, *, by_plugin: bool) -> None:
    """A pod that does not become Ready is the plugin's failure if ADD failed, and no late machine's."""
    event = {"reason": reason, "message": "exhausted", "involvedObject": {"name": "a"}}
    waiting_pod = {"metadata": {"name": "a"}, "status": {"phase": "Pending"}}
    kube = cast("Kube", SimpleNamespace(pods=lambda _: [waiting_pod], every=lambda *_: [event]))
    with pytest.raises(NeverHappenedError) as caught:
        pods.wait_ready(kube, [("n", "a")], 0)
    assert isinstance(caught.value, PluginNotReadyError) == by_plugin
    assert (caught.value.during is None) == by_plugin
    assert ("exhausted" in str(caught.value)) == by_plugin


def test_an_agent_that_is_terminating_is_not_deleted_again() -> None:
    """The one that takes its place is waited for all the same."""
    owner = {"kind": "DaemonSet", "name": "agent"}
    pod = {
        "metadata": {"uid": "1", "deletionTimestamp": "now", "ownerReferences": [owner]},
        "spec": {"nodeName": "n1"},
    }
    kube = cast("Kube", SimpleNamespace(pods=lambda _: [pod]))
    assert not agents.delete(kube, cast("Agent", SimpleNamespace(namespace="n", daemonset="agent")), "n1")


def test_a_case_of_the_corpus_that_cannot_be_run_does_not_concern_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each case has its own result or error."""
    first, second, third = cases.corpus()[:3]

    def run_case(workspace: Workspace, case: Case, *_: object) -> list[object]:
        if case is second:
            raise NetproofError("its pod did not start")
        return [workspace, case]

    monkeypatch.setattr(corpus, "run_case", run_case)
    run = corpus.Run(fake.pool(2), [(case, Family.IPV4) for case in (first, second, third)])
    assert [len(run.of(case, Family.IPV4)) for case in (first, third)] == [2, 2]
    with pytest.raises(NetproofError, match="its pod did not start"):
        run.of(second, Family.IPV4)
