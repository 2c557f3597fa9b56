"""Why a run may not have checked every requirement, from verdict.json: one that has not certifies nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SESSIONS = ("certify", "")  # that check all of them; verdict.json of earlier versions names no session


def sentences(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield a sentence for each reason; none if the run was to check all requirements, and did."""
    if options := document.get("narrowed_by"):
        yield f"The run checked only some requirements ({', '.join(options)})."
    if (session := document.get("session", "")) not in SESSIONS:
        yield f"The session {session} does not check all requirements."
    if document.get("partial"):
        yield "The run ended early."
