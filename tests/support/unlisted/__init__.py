"""Mutants of the reference engine that reproduce no historical bug, to measure how wide generated states are.

Each set was written before states were widened for the kinds of bugs in it that were missed (decision 23).
"""

from tests.support.unlisted import first, second, third
from tests.support.unlisted.planting import UNLISTED, enabled

OF_IPV6 = frozenset({"X05", "X08"})  # mutants of IPv6 alone

__all__ = ["OF_IPV6", "UNLISTED", "enabled", "first", "second", "third"]
