"""A namespace that is created again as soon as its name is free, and its pod as a peer, also later: N15."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from fixtures import waiting
from fixtures.probes import pods as probe_pods
from policies import serialization
from suites.support.marks import begins_window, ends_window, needs, requirement
from suites.support.order import WINDOWS
from suites.support.policies import (
    ENDS_PATIENCE,
    LOST,
    MATCHED,
    PATIENCE,
    allow_ingress_from,
    allowed,
    denied,
    pod_in,
    unique_name,
    with_probers,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fixtures.probes.pods import ProbePod
    from fixtures.testbed.testbed import Testbed
    from policies.families import Family
    from suites.support.expect import Expect

LATER = 40.0  # seconds after which the new namespace's pod is still a peer: the requirement


@dataclass
class Recreated:
    """A namespace that was recreated, and a server that admits its pods by the namespace's labels, and no others.

    Attributes:
        pod: the new namespace's pod.
        server: the server, in a namespace of its own.
        stranger: a pod of another namespace.
        family: the family of the addresses.
        objects: deletes pod and server.
        since: monotonic time at which the new pod was a peer.
    """

    pod: ProbePod
    server: ProbePod
    stranger: ProbePod
    family: Family
    objects: ExitStack
    since: float = field(default_factory=time.monotonic)

    @staticmethod
    def begin(testbed: Testbed, expect: Expect, family: Family) -> Recreated:
        """Create a namespace with a pod, delete it, and create it again as soon as the API allows it.

        Raises:
            Refuted: the server does not admit the new pod in time, or admits a pod of another namespace.
        """
        name = unique_name("netproof-again")
        labels = {"team": name}
        stranger = testbed.pods_on(testbed.nodes[0])[0]
        with ExitStack() as objects:
            server = objects.enter_context(pod_in(testbed, unique_name("netproof-admits"), {}))
            spec = allow_ingress_from(server, {"namespaceSelector": {"matchLabels": labels}})
            testbed.kube.apply([serialization.of(server.namespace, "again", spec)])
            with pod_in(testbed, name, labels) as old:
                Recreated(old, server, stranger, family, objects).judge(testbed, expect, PATIENCE)
            testbed.kube.wait_until_gone(probe_pods.namespace_object(name), patience=ENDS_PATIENCE)
            new = objects.enter_context(pod_in(testbed, name, labels))
            Recreated(new, server, stranger, family, objects).judge(testbed, expect, MATCHED)
            return Recreated(new, server, stranger, family, objects.pop_all())

    def judge(self, testbed: Testbed, expect: Expect, patience: float) -> None:
        """The pod reaches the server within patience, in seconds, and the stranger does not."""
        __tracebackhide__ = True
        flows = [allowed(self.pod, self.server, self.family), denied(self.stranger, self.server, self.family)]
        with with_probers(testbed, self.pod, self.server) as probers:
            expect.flows(flows, probers=probers, timeout=LOST, patience=patience)

    def end(self) -> None:
        """Delete the namespace and the server."""
        self.objects.close()


@pytest.fixture(scope="session")
def windows() -> Iterator[dict[str, Recreated]]:
    """The namespaces that the first case of N15 has recreated and the second one judges, by family."""
    begun: dict[str, Recreated] = {}
    yield begun
    for recreated in begun.values():
        recreated.end()


@requirement("N15")
@needs("network-policy")
@begins_window
def test_a_pod_of_a_recreated_namespace_is_soon_a_peer(
    testbed: Testbed, expect: Expect, family: Family, windows: dict[str, Recreated], request: pytest.FixtureRequest
) -> None:
    """A pod of a namespace that is created again with its labels, as soon as its name is free, is a peer soon."""
    recreated = Recreated.begin(testbed, expect, family)
    if request.config.stash[WINDOWS]:
        windows[family] = recreated
    else:
        recreated.end()


@requirement("N15")
@needs("network-policy")
@ends_window
def test_a_pod_of_a_recreated_namespace_stays_a_peer(
    testbed: Testbed, expect: Expect, family: Family, windows: dict[str, Recreated]
) -> None:
    """Forty seconds after a namespace was created again with its labels, its pod is still a peer."""
    recreated = windows.pop(family, None) or Recreated.begin(testbed, expect, family)
    try:
        waiting.observe(recreated.since + LATER - time.monotonic())
        expect.facts["seconds later"] = round(time.monotonic() - recreated.since, 1)
        recreated.judge(testbed, expect, PATIENCE)
    finally:
        recreated.end()
