"""What all tests of netproof share."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("netproof", deadline=None)  # a busy machine is no wrong answer
settings.load_profile("netproof")
