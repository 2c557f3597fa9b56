"""The field of the API that is the only difference between two states."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from policies import serialization
from policies.features import Feature

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.model import World

LISTS = ("ingress", "egress", "from", "to", "ports", "except", "values", "matchExpressions")


def between(before: World, after: World) -> Feature | None:
    """The field that is the only difference between two states; None if there are more, or none."""
    edits = [Feature(f"labels of a {kind}", what, None) for kind, what in _relabelled(before, after)]
    old, new = ({policy.key: policy for policy in world.policies} for world in (before, after))
    edits += [Feature("policy", "created or deleted", None) for _ in old.keys() ^ new.keys()]
    for key in old.keys() & new.keys():
        if old[key] != new[key]:
            specs = (serialization.write(policy)["spec"] for policy in (old[key], new[key]))
            edits += [Feature("policy", field, None) for field in changed(*specs)]
    return edits[0] if len(edits) == 1 else None


def _relabelled(before: World, after: World) -> Iterator[tuple[str, str]]:
    pods = [("pod", one.labels, other.labels) for one, other in zip(before.pods, after.pods, strict=True)]
    spaces = zip(before.namespaces, after.namespaces, strict=True)
    for kind, old, new in (*pods, *(("namespace", one.labels, other.labels) for one, other in spaces)):
        if old != new:
            yield kind, _labels_changed(dict(old), dict(new))


def _labels_changed(before: dict[str, str], after: dict[str, str]) -> str:
    if len(before) != len(after):
        return "label added" if len(after) > len(before) else "label removed"
    return "value of a label" if before.keys() == after.keys() else "key of a label"


def changed(old: Any, new: Any, name: str = "spec") -> list[str]:  # noqa: ANN401 - JSON
    """The fields in which two parts of specs differ, by the names of the API.

    Args:
        old: the part before; None if absent.
        new: the part after it.
        name: their field.
    """
    if old == new:
        return []
    if name == "matchLabels":
        return [f"{name}: {_labels_changed(old or {}, new or {})}"]
    if name in LISTS:
        return _list_changed(old or [], new or [], name)
    if isinstance(old, dict) and isinstance(new, dict):
        keys = dict.fromkeys((*old, *new))
        return [field for key in keys for field in changed(old.get(key), new.get(key), key)]
    return ["name of a port"] if name == "port" and isinstance(old, str) and isinstance(new, str) else [name]


def _list_changed(old: list[Any], new: list[Any], name: str) -> list[str]:
    if len(old) != len(new):
        return [f"number of {name}"]
    if sorted(map(repr, old)) == sorted(map(repr, new)):
        return [f"order of {name}"]
    if isinstance(new[0], str):
        return [name for one, other in zip(old, new, strict=True) if one != other]
    return [field for one, other in zip(old, new, strict=True) for field in changed(one, other)]
