"""The answer at the top of the page: whether the plugin can be shipped, in a word and a sentence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reports import known, lateness, left_out
from reports.outcome import DECIDED, Verdict
from reports.report.texts import plural

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

IN_PART = "So far"  # what the run checked holds, but it did not check all
WORDS = {Verdict.PASSED: "Yes", Verdict.FAILED: "No"}
UNKNOWN = "Not known"
UNFINISHED = "Not finished"  # the run was killed


@dataclass(frozen=True)
class Answer:
    """The answer.

    Attributes:
        verdict: the verdict of the run.
        word: Yes, So far, No or Not known.
        sentence: what the verdict means.
        notes: sentences that limit it.
    """

    verdict: str
    word: str
    sentence: str
    notes: tuple[str, ...]


def of(document: Mapping[str, Any]) -> Answer:
    """Return the answer of a verdict.json."""
    verdict = Verdict(document["verdict"])
    part = verdict is Verdict.PASSED and any(left_out.sentences(document))
    word = UNFINISHED if "unfinished" in document else IN_PART if part else WORDS.get(verdict, UNKNOWN)
    return Answer(verdict, word, known.closing(document), tuple(_notes(document)))


def _notes(document: Mapping[str, Any]) -> Iterator[str]:
    counts = {verdict: document["counts"].get(verdict, {}) for verdict in Verdict}
    must = {verdict: levels.get("MUST", 0) for verdict, levels in counts.items()}
    decided = sum(must[verdict] for verdict in DECIDED)
    if decided:
        yield f"{must[Verdict.PASSED]} of {plural(decided, 'MUST requirement')} that could be decided hold."
    if failed := sum(counts[Verdict.FAILED].get(level, 0) for level in ("SHOULD", "MAY")):
        yield f"{plural(failed, 'recommendation')} (SHOULD, MAY) not met; this does not decide."
    if undecided := must[Verdict.INCONCLUSIVE] + must[Verdict.ERROR]:
        yield f"{plural(undecided, 'MUST requirement')} could not be decided: a control or netproof failed."
    if untried := must[Verdict.UNSUPPORTED]:
        yield f"{plural(untried, 'MUST requirement')} not tried; the reasons are below."
    if failed := must[Verdict.FAILED] if "unfinished" in document else 0:
        yield f"{plural(failed, 'MUST requirement')} had failed by then."
    for case in document.get("unfinished", {}).get("running", ()):
        yield f"When it was killed, {case} was running."
    if document.get("partial"):
        yield "The run ended early: what it did not reach is missing on this page."
    if late := lateness.sentence(dict(document)):
        yield late[0].upper() + late[1:]
