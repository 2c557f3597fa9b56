"""Mutants of an agent without the API server."""

from __future__ import annotations

import http.client
import time
from typing import TYPE_CHECKING

from fixtures.cnis.reference.engine import rules
from fixtures.cnis.reference.engine.api import OK, Api
from fixtures.cnis.reference.engine.store import Store
from tests.sensitivity.mutants.registry import mutant
from tests.sensitivity.mutants.shared import OPEN_ALL, beside_the_agent, nft, write_again

if TYPE_CHECKING:
    from fixtures.cnis.reference.engine import __main__ as engine
    from fixtures.cnis.reference.engine.store import Object

GET, REPLACE, ISOLATING = Api.get, Store.replace, rules.isolating_policies
ANSWERED = 3.0  # seconds
EVERY = 0.5  # seconds between two requests


@mutant("M180")
def refused_is_empty() -> None:
    """A list that the API server refuses counts as an empty one."""

    def get(self: Api, path: str) -> Object:
        try:
            return GET(self, path)
        except OSError:
            return {"items": [], "metadata": {"resourceVersion": "0"}}

    Api.get = get


@mutant("M181")
def unhealthy_is_gone() -> None:
    """The rules are deleted while the API server is not ready, or does not answer within three seconds."""
    beside_the_agent(_supervise)


def _supervise(agent: engine.Agent) -> None:
    healthy = True
    while True:
        if _ready(agent.api) != healthy:
            healthy = not healthy
            if healthy:
                write_again(agent)
            else:
                nft(OPEN_ALL)
        time.sleep(EVERY)


def _ready(api: Api) -> bool:
    """Whether the API server is ready; etcd is among the checks of /readyz."""
    connection = http.client.HTTPSConnection(api.host, api.port, timeout=ANSWERED, context=api.context)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == OK
    except OSError:
        return False
    finally:
        connection.close()


@mutant("M183")
def created_meanwhile() -> None:
    """Pods that were created while the agent did not reach the API server are never isolated."""
    open_ones: set[str] = set()

    def replace(self: Store, kind: str, items: list[Object]) -> None:
        if kind == "pods" and self.kinds["pods"]:
            known = {pod["metadata"]["uid"] for pod in self.kinds["pods"].values()}
            open_ones.update(pod["metadata"]["uid"] for pod in items if pod["metadata"]["uid"] not in known)
        REPLACE(self, kind, items)

    Store.replace = replace
    rules.isolating_policies = lambda store, pod, direction: (
        [] if pod["metadata"]["uid"] in open_ones else ISOLATING(store, pod, direction)
    )
