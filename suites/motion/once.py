"""What is observed once and judged by several cases: whichever runs first observes it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar, cast

from reports.outcome import Inconclusive, Refuted

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

T = TypeVar("T")


@dataclass
class Once:
    """Observations of a session by key; a failure of the plugin is kept and raised again like a result."""

    results: dict[Hashable, Any] = field(default_factory=dict)

    def of(self, key: Hashable, observe: Callable[[], T]) -> T:
        """The observation with a key, made now if there is none yet.

        Raises:
            Refuted, Inconclusive: it was so when it was made; other errors are not kept.
        """
        if key not in self.results:
            try:
                self.results[key] = observe()
            except (Refuted, Inconclusive) as error:
                self.results[key] = error
        result = self.results[key]
        if isinstance(result, Refuted | Inconclusive):
            raise result
        return cast("T", result)
