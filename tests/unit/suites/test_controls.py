"""The controls of cases about Services: CoreDNS, kube-proxy and the proxy in front of a Service."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from fixtures.probes.fake import FakeNetwork
from fixtures.testbed import dns
from fixtures.waiting import PluginNotReadyError
from policies.flow import Observation
from reports.outcome import Inconclusive, Refuted
from suites.services import test_dns, test_ingress
from suites.support.proxies import beside_working_proxies

if TYPE_CHECKING:
    from fixtures.kube.client import Kube
    from fixtures.probes.fake import Sent
    from fixtures.testbed.testbed import Testbed

API = "10.96.0.1"
HOST, POD = "netproof-host/host-n1", "netproof-x/a-n1"
ADDRESSES = {HOST: ["192.0.2.1"], POD: ["10.244.0.2"], "api": ["192.0.2.9", API]}


class FakeKube:
    """An API with CoreDNS, whose pods are never ready, and kube-proxy."""

    def __init__(self, *, proxies: int = 2, reason: str = "Unhealthy") -> None:
        self.proxies, self.reason = proxies, reason

    def get(self, resource: str, *_: object, **__: object) -> dict[str, Any]:
        """Return the Deployment or the API's Service."""
        if resource == "deployments":
            return {"status": {"replicas": 2}}
        return {"spec": {"clusterIP": API}}

    def find(self, *_: object, **__: object) -> dict[str, Any] | None:
        """Return the DaemonSet of kube-proxy; a negative number is for a cluster without one."""
        status = {"numberReady": self.proxies, "desiredNumberScheduled": 2}
        return {"status": status} if self.proxies >= 0 else None

    def apply(self, objects: object) -> None:
        """Do nothing."""

    def pods(self, *_: object) -> list[dict[str, Any]]:
        """Return a pod of CoreDNS."""
        return [{"metadata": {"name": "coredns-1"}}]

    def every(self, *_: object) -> list[dict[str, Any]]:
        """Return an event about that pod."""
        return [{"reason": self.reason, "message": "no address left", "involvedObject": {"name": "coredns-1"}}]


def bed(network: FakeNetwork, kube: FakeKube) -> Testbed:
    """A testbed of one node whose cluster has a DNS manifest."""
    manifest = SimpleNamespace(read_text=lambda: "")
    pod, host = SimpleNamespace(key=POD), SimpleNamespace(key=HOST)
    made = SimpleNamespace(
        kube=kube,
        cluster=SimpleNamespace(dns_manifest=manifest),
        probers=network.probers(),
        hosts={"n1": host},
        pods_on=lambda _: [pod],
    )
    return cast("Testbed", made)


def without(*names: str) -> Any:  # noqa: ANN401 - a function of Sent
    """A network in which these probes reach nothing."""

    def gives(sent: Sent) -> Observation:
        return Observation("timeout") if sent.source in names else sent.healthy

    return gives


@pytest.mark.parametrize(
    ("cut_off", "reason", "by_plugin"),
    [((POD,), "Unhealthy", True), ((), "FailedCreatePodSandBox", True), ((), "x", False), ((POD, HOST), "x", False)],
    ids=["pods do not reach the API", "no address for pods", "CoreDNS itself", "nothing reaches the API"],
)
def test_coredns_that_does_not_get_ready(
    monkeypatch: pytest.MonkeyPatch, cut_off: tuple[str, ...], reason: str, *, by_plugin: bool
) -> None:
    """It is the plugin's failure where its pods have no network, and inconclusive otherwise."""
    monkeypatch.setattr(dns, "PATIENCE", 0.0)
    testbed = bed(FakeNetwork(ADDRESSES, without(*cut_off)), FakeKube(reason=reason))
    server = test_dns.server.__wrapped__  # type: ignore[attr-defined]
    with pytest.raises(PluginNotReadyError if by_plugin else Inconclusive, match="CoreDNS ready did not happen"):
        server(testbed, "ipv4")


@pytest.mark.parametrize(("proxies", "counts"), [(2, True), (1, False), (-1, True)])
def test_a_service_counts_beside_kube_proxy_only(proxies: int, *, counts: bool) -> None:
    """A refutation is inconclusive where kube-proxy is not ready; a cluster may have no DaemonSet of that name."""
    kube = cast("Kube", FakeKube(proxies=proxies))
    with pytest.raises(Refuted if counts else Inconclusive, match="wrong flows"), beside_working_proxies(kube):
        raise Refuted("wrong flows")


@pytest.mark.parametrize(("dead", "verdict"), [({}, Refuted), ({HOST: "refused"}, Inconclusive)])
def test_a_proxy_that_does_not_listen_proves_nothing(dead: dict[str, str], verdict: type[Exception]) -> None:
    """Its own node connects to its port, or the case is inconclusive."""
    testbed = bed(FakeNetwork(ADDRESSES, dead=dead), FakeKube())
    with pytest.raises(verdict), test_ingress.beside_a_listening_proxy(testbed, "n1", 18090, "ipv4"):
        raise Refuted("wrong flows")
