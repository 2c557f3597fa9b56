"""Lists with two entries that differ in one field, which implementations merge, overwrite, or keep as one set."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from policies.model import PodPeer
from policies.stretching import Filling, lists

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from random import Random

    from policies.model import Policy, PortRule
    from policies.tweaks import Tweaks

KINDS = ("rules", "peers", "ports", "expressions")
LOW_BITS = 256  # numbers of ports with the same remainder have the same last byte


@dataclass(frozen=True)
class _Changed(Filling):
    """A list that a function changes."""

    change: Callable[[list[Any]], list[Any]] = list

    def fill(self, entries: tuple[Any, ...], fillers: list[Any]) -> tuple[Any, ...]:  # noqa: ARG002 - none is used
        """The list that the function makes of it."""
        return tuple(self.change(list(entries)))


class Twins(NamedTuple):
    """A policy with two entries that differ in one field, and with either of them alone."""

    first: Policy
    second: Policy
    both: Policy


def of_list(policy: Policy, kind: str, tweaks: Tweaks, random: Random) -> Iterator[Twins]:
    """Policies with a twin of an entry in a list of a kind, one for each entry and each of its fields.

    Args:
        policy: the policy.
        kind: of the lists, one of KINDS.
        tweaks: makes the twins.
        random: chooses among the twins that differ in the same field, and which of the two is first.
    """
    for name, fill in lists(policy):
        if name == kind:
            entries = _entries(fill)
            for index, entry in enumerate(entries):
                for twins in _by_field(entry, kind, tweaks).values():
                    pair = [entry, random.choice(twins)]
                    random.shuffle(pair)
                    if pair[0] not in entries or pair[1] not in entries:
                        yield Twins(*(fill(_with(index, one)) for one in (pair[:1], pair[1:], pair)))


def _entries(fill: Callable[[Filling], Policy]) -> list[Any]:
    kept: list[Any] = []

    def change(entries: list[Any]) -> list[Any]:
        kept.extend(entries)
        return entries

    fill(_Changed(0, change=change))
    return kept


def _by_field(entry: Any, kind: str, tweaks: Tweaks) -> dict[str, list[Any]]:  # noqa: ANN401 - of any list
    """The entries that differ from one in one field."""
    of_kind: dict[str, Callable[[Any], Iterator[tuple[str, Any]]]] = {
        "rules": tweaks.rule,
        "peers": tweaks.peer,
        "ports": tweaks.port,
        "expressions": tweaks.expression,
    }
    result: dict[str, list[Any]] = {}
    for field, twin in (*of_kind[kind](entry), *(_near(entry, tweaks.ports) if kind == "ports" else ())):
        same_pods = kind == "peers" and isinstance(entry, PodPeer) and entry.pods == twin.pods
        result.setdefault(f"{field} of a namespace" if same_pods else field, []).append(twin)
    return result


def _near(port: PortRule, numbers: Sequence[int]) -> Iterator[tuple[str, PortRule]]:
    """Ports with a number whose last bits are those of another one, and ranges that begin in it or next to it."""
    if isinstance(port.port, int):
        last = port.end or port.port
        for number in numbers:
            if number != port.port and number % LOW_BITS == port.port % LOW_BITS:
                yield "low bits", replace(port, port=number, end=None)
            if number > last:
                yield "overlapping", replace(port, port=last, end=number)
                yield "adjacent", replace(port, port=last + 1, end=number)


def _with(index: int, new: list[Any]) -> Filling:
    return _Changed(0, change=lambda own: [*own[:index], *new, *own[index + 1 :]])
