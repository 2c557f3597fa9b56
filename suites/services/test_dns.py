"""Names: D24, S02."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from fixtures.cnis.node_state import Finding
from fixtures.testbed import dns
from fixtures.testbed.testbed import NAMESPACES
from fixtures.waiting import NeverHappenedError, PluginNotReadyError
from reports.outcome import Inconclusive
from suites.support.marks import needs, requirement

if TYPE_CHECKING:
    from fixtures.testbed.services import Services
    from fixtures.testbed.testbed import Testbed
    from suites.support.expect import Expect

pytestmark = needs("services", "dns")
ROUNDS = 100
SOON = 1000.0  # milliseconds that 99 of 100 lookups may take: the requirement; a lost answer costs five seconds
LOST = 5.0  # seconds without an answer after which resolvers ask again
PATIENCE = 15.0  # seconds; our patience until CoreDNS has seen Services created by this run


@pytest.fixture
def server(testbed: Testbed, family: str) -> str:
    """The DNS Service's address of a family; looked up per case, so that CoreDNS starts under the case's lock."""
    try:
        servers = dns.servers(testbed)
    except PluginNotReadyError:
        raise
    except NeverHappenedError as error:
        raise Inconclusive(f"there is no DNS server to query: {error}") from error
    if family not in servers:  # kubeadm's has one address in dual stack, too
        state = f"has an address of {' and '.join(servers)} only" if servers else "does not exist"
        pytest.skip(f"the Service kube-dns in kube-system {state}")
    return servers[family]


def unanswered(testbed: Testbed, server: str, name: str, expected: set[str], rounds: int = 1) -> list[Finding]:
    """Lookups from a pod of each node that are answered wrongly or too late."""
    findings = []
    for node in testbed.nodes:
        client = testbed.pods_on(node)[0].key
        answer = testbed.probers[client].resolve(
            server, name, rounds=rounds, timeout=LOST if rounds > 1 else SOON / 1000
        )
        allowed = rounds // 100
        slow = answer.slowest(allowed)
        if set(answer.addresses) != expected or answer.lost > allowed or slow > SOON:
            actual = f"{answer.addresses}, {answer.lost} lost, slowest {slow:.0f} ms, codes {answer.rcodes}"
            findings.append(Finding(client, f"{rounds} lookups of {name}", f"{sorted(expected)} soon", actual))
    return findings


@requirement("D24")
def test_service_names_resolve_from_every_node(
    testbed: Testbed, expect: Expect, services: Services, server: str
) -> None:
    """Queries for A and AAAA from one port both have answers, on every node, 99 of 100 within a second."""
    node = testbed.nodes[0]
    name = f"one-{node}.{NAMESPACES[0]}.svc.cluster.local"
    expected = {services.cluster_ip(f"one-{node}", each) for each in testbed.topology.families}
    what = "names do not resolve"
    expect.nothing_soon(lambda: unanswered(testbed, server, name, expected), what, patience=PATIENCE)
    begun = time.monotonic()
    expect.nothing(unanswered(testbed, server, name, expected, ROUNDS), what, (begun, time.monotonic()))


@requirement("S02")
def test_a_headless_service_names_its_pods(testbed: Testbed, expect: Expect, services: Services, server: str) -> None:
    """The name of a headless Service resolves to the addresses of its pods."""
    name = f"headless.{NAMESPACES[0]}.svc.cluster.local"
    expected = {pod.ip(each) for pod in services.many for each in testbed.topology.families}
    what = "the headless Service does not name its pods"
    expect.nothing_soon(lambda: unanswered(testbed, server, name, expected), what, patience=PATIENCE)
