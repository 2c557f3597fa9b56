"""F46 on a fake API: a Node whose annotations other programs set again."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from suites.chaos import test_node_objects
from suites.chaos.test_node_objects import KEPT, without_annotations

if TYPE_CHECKING:
    from fixtures.testbed.testbed import Testbed

TTL = "node.alpha.kubernetes.io/ttl"


class FakeKube:
    """An API with one Node; some of its annotations are set again as soon as they are removed."""

    def __init__(self, *again: str) -> None:
        self.again = again
        self.annotations = {TTL: "0", "agent": "yes"}

    def get(self, *_: object) -> dict[str, Any]:
        """Return the Node."""
        return {"metadata": {"annotations": self.annotations}}

    def patch(self, _: str, __: str, changes: dict[str, Any]) -> None:
        """Merge annotations."""
        merged = {**self.annotations, **changes["metadata"]["annotations"]}
        self.annotations = {key: value for key, value in merged.items() if value is not None}
        self.annotations |= dict.fromkeys(self.again, "0")


@pytest.mark.parametrize("again", [(), (TTL,)])
def test_a_node_that_is_annotated_again_at_once_is_no_node_without(
    monkeypatch: pytest.MonkeyPatch, again: tuple[str, ...]
) -> None:
    """The case is unsupported, and the annotations are as before in any case."""
    monkeypatch.setattr(test_node_objects, "EVERY", 0.001)
    kube = FakeKube(*again)
    testbed = cast("Testbed", SimpleNamespace(kube=kube, cni=SimpleNamespace(agents=()), nodes=("n1",)))
    met = []
    try:
        with without_annotations(testbed, "n1"):
            met.append(dict(kube.annotations))
    except pytest.skip.Exception as error:
        assert TTL in str(error)  # noqa: PT017 - a skip of the case under test
    assert met == ([] if again else [{}])
    assert kube.annotations == {TTL: "0", "agent": "yes"}
    assert KEPT not in kube.annotations
