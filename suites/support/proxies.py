"""The control of Services: kube-proxy, which no plugin has a part in."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from fixtures.kube.client import ApiRefusedError
from reports.outcome import Inconclusive, Refuted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fixtures.kube.client import Kube


@contextmanager
def beside_working_proxies(kube: Kube) -> Iterator[None]:
    """A refutation inside counts only if kube-proxy is ready on every node, where the cluster has its DaemonSet.

    Raises:
        Inconclusive: it is not.
    """
    __tracebackhide__ = True
    try:
        yield
    except Refuted as error:
        ready, nodes = _ready(kube)
        if ready < nodes:
            why = f"kube-proxy is ready on {ready} of {nodes} nodes only, so Services prove nothing"
            raise Inconclusive(f"{why}. Observed: {error}") from error
        raise


def _ready(kube: Kube) -> tuple[int, int]:
    """The number of nodes on which kube-proxy is ready, and on which it has to be; zeros if that cannot be read."""
    try:
        found = kube.find("daemonsets", "kube-proxy", namespace="kube-system")
    except ApiRefusedError:  # the user of an existing cluster may not read it
        found = None
    status = found["status"] if found else {}
    return status.get("numberReady", 0), status.get("desiredNumberScheduled", 0)
