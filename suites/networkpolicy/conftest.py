"""--cases: select cases of the corpus by id, feature, bug, or name in another suite; and open pods between cases."""

from __future__ import annotations

import contextlib
import itertools
from typing import TYPE_CHECKING

import pytest

from fixtures import waiting
from fixtures.errors import NetproofError
from fixtures.probes import sending as matrix
from fixtures.probes.flows import to_pod
from fixtures.probes.pods import PORTS
from fixtures.testbed.testbed import HOST_PORTS
from policies import cases
from policies.flow import Flow, Target
from suites.support.policies import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fixtures.testbed.testbed import Testbed


@pytest.fixture(autouse=True)
def _open_again(request: pytest.FixtureRequest, testbed: Testbed) -> Iterator[None]:
    """After a case with policies for pods of the testbed, wait until all pods reach each other again.

    An engine may follow the end of a policy later than the next case looks; where it never does, cases say so.
    """
    yield
    if request.node.get_closest_marker("isolates"):
        with contextlib.suppress(NetproofError):
            waiting.until(lambda: everybody_reached(testbed), "pods without policies being open", patience=PATIENCE)


def everybody_reached(testbed: Testbed) -> bool:
    """Whether all pods of the testbed reach each other, and those of the host network where the plugin promises it."""
    flows = [
        to_pod(client.key, server, "tcp", PORTS[0], family)
        for client, server in itertools.permutations(testbed.pods.values(), 2)
        for family in testbed.topology.families
    ]
    flows += [
        Flow(pod.key, host.key, Target("tcp", host.ip(family), HOST_PORTS[0]))
        for pod in testbed.pods.values()
        for host in (testbed.hosts.values() if "node-to-pod" in testbed.offered else ())
        for family in testbed.topology.families
    ]
    return not matrix.compare(flows, matrix.observe(testbed.probers, flows))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect all cases but those of --cases."""
    if not (words := config.option.cases):
        return
    selected: set[str] = set()
    for word in words.split(","):
        selected |= cases.named(word)  # options were checked before the cluster was started
    kept = [item for item in items if _case(item) in selected]
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = kept


def _case(item: pytest.Item) -> str:
    """The id of an item's case of the corpus; "" for other items."""
    if isinstance(item, pytest.Function) and hasattr(item, "callspec"):
        return str(item.callspec.params.get("case", ""))
    return ""
