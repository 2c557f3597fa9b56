"""Compare a run with a baseline, the verdict.json of an earlier run: what is worse, so that CI fails for it alone."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from reports import columns, known, untried, verdict_file
from reports.outcome import EXIT_CODES, Verdict
from reports.verdict_file import BadVerdictError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from pathlib import Path

ABSENT = "not checked"  # the verdict of a requirement that a run did not check
BAD_BASELINE = 2  # exit code if the baseline cannot be used
UNDECIDED = (Verdict.INCONCLUSIVE, Verdict.ERROR)
LEAST_ALIKE = 3  # missing requirements; they get one line
SEVERITY = (0, 2, 1, 3)  # exit codes from best to worst
FACT = "against"  # the key in verdict.json


class Kind(StrEnum):
    """What became of a requirement; the words of reports."""

    WORSE = "worse"
    UNDECIDED = "not decided"  # it passed, and the run could not decide it
    AS_BEFORE = "fails as before"
    UNKNOWN_BEFORE = "fails"  # a SHOULD or MAY that the baseline neither passes nor fails
    AS_KNOWN = "fails as known"  # a known divergence
    BETTER = "passes now"


@dataclass(frozen=True)
class Change:
    """A requirement whose verdict is to be listed.

    Attributes:
        id: its id; "-" for a case without a requirement.
        level: its level.
        sentence: the requirement, or the title of the case.
        before: its verdict in the baseline.
        now: its verdict in the run.
        kind: what became of it.
    """

    id: str
    level: str
    sentence: str
    before: str
    now: str
    kind: Kind

    @property
    def exit_code(self) -> int:
        """The exit code that it alone would have."""
        if self.kind is Kind.UNDECIDED:
            return EXIT_CODES[Verdict(self.now)]
        return EXIT_CODES[Verdict.FAILED] if self.kind is Kind.WORSE else 0


@dataclass(frozen=True)
class Comparison:
    """The comparison of a run with a baseline.

    Attributes:
        baseline: the file of the baseline, as the user named it.
        changes: what is to be listed, the worst first.
        exit_code: 0 if nothing is worse, 1 if something is, 2 if something that passed is not decided, 3 for an error.
    """

    baseline: str
    changes: tuple[Change, ...]
    exit_code: int

    def of(self, kind: Kind) -> list[Change]:
        """Return the changes of a kind."""
        return [change for change in self.changes if change.kind is kind]

    @property
    def answer(self) -> str:
        """Whether the run is worse, as the beginning of a sentence about the baseline."""
        if self.exit_code == 0:
            return "not worse than"
        return "worse than" if self.exit_code == EXIT_CODES[Verdict.FAILED] else "not decided against"

    def fact(self) -> dict[str, Any]:
        """Return the comparison for verdict.json."""
        return {"baseline": self.baseline, "changes": [asdict(change) for change in self.changes]}


def load(path: Path, cni: str = "") -> dict[str, Any]:
    """Return the verdict.json of a baseline.

    Args:
        path: the file, or the folder of a run.
        cni: the plugin under test, as verdict.json has it; "" if it is not known yet.

    Raises:
        BadVerdictError: it is no verdict.json, is of another plugin, or of a run that did not end as it should.
    """
    document = verdict_file.read(path)
    if cni and document["cni"] != cni:
        raise BadVerdictError(f"{path} is the baseline of {document['cni']}, and this run is of {cni}.")
    if "reason" in document or document.get("partial") or not document["requirements"]:
        raise BadVerdictError(f"{path} is of a run that ended early; use a whole run as the baseline.")
    return document


def compare(
    path: str, baseline: Mapping[str, Any], document: Mapping[str, Any], selected: Collection[str] = ()
) -> Comparison:
    """Compare a run with a baseline.

    Args:
        path: the file of the baseline, for messages.
        baseline: its content.
        document: the verdict.json of the run; exit_code is that without a baseline.
        selected: ids of --only; all others are left out. () for all.
    """
    before, now = ({row["id"]: row for row in each["requirements"]} for each in (baseline, document))
    excused = known.excused(document)
    ids = [identity for identity in sorted({**before, **now}) if not selected or identity in selected]
    changes = [each for identity in ids if (each := _change(before.get(identity), now.get(identity), excused))]
    changes += _without_requirement(baseline, document)
    kinds = list(Kind)
    changes.sort(key=lambda change: (kinds.index(change.kind), change.id))
    codes = [change.exit_code for change in changes]
    if document["verdict"] == Verdict.ERROR or "reason" in document or not document["requirements"]:
        codes.append(document["exit_code"])
    return Comparison(path, tuple(changes), max(codes, key=SEVERITY.index, default=0))


def _change(
    before: Mapping[str, Any] | None, now: Mapping[str, Any] | None, excused: Collection[str]
) -> Change | None:
    row = now or before
    assert row
    old, new = (str(each["verdict"]) if each else ABSENT for each in (before, now))
    kind = _kind(old, new, is_must=row["level"] == "MUST")
    if new == Verdict.FAILED and row["id"] in excused:
        kind = Kind.AS_KNOWN
    return Change(row["id"], row["level"], row["sentence"], old, new, kind) if kind else None


def _kind(before: str, now: str, *, is_must: bool) -> Kind | None:
    """Return what became of a requirement; None if it is not worth a line."""
    if now == Verdict.FAILED:
        if before == Verdict.FAILED:
            return Kind.AS_BEFORE
        return Kind.WORSE if is_must or before == Verdict.PASSED else Kind.UNKNOWN_BEFORE
    if before == Verdict.PASSED and now != Verdict.PASSED:
        return Kind.UNDECIDED if now in UNDECIDED else Kind.WORSE
    return Kind.BETTER if (before, now) == (Verdict.FAILED, Verdict.PASSED) else None


def _without_requirement(baseline: Mapping[str, Any], document: Mapping[str, Any]) -> Iterator[Change]:
    """Yield the failed cases that cite no requirement; each counts as a MUST."""
    before = {case["case"]: case["verdict"] for case in baseline.get("cases_without_requirement", ())}
    for case in document.get("cases_without_requirement", ()):
        old = before.get(case["case"], ABSENT)
        if kind := _kind(old, case["verdict"], is_must=True):
            yield Change("-", "MUST", case["title"], old, case["verdict"], kind)


def of(document: Mapping[str, Any]) -> Comparison | None:
    """Return the comparison in the verdict.json of a run; None if it was compared with no baseline."""
    fact = document.get(FACT)
    if fact is None:
        return None
    changes = tuple(Change(**{**row, "kind": Kind(row["kind"])}) for row in fact["changes"])
    return Comparison(fact["baseline"], changes, document["exit_code"])


def lines(comparison: Comparison, width: int) -> Iterator[tuple[Kind | None, str]]:
    """Yield the lines of the terminal with the kind that colours them: a line each, and the sum at the end.

    Args:
        comparison: the comparison.
        width: the columns of a line.
    """
    kinds = max((len(change.kind) for change in comparison.changes), default=0)
    missing = [change for change in comparison.changes if change.now == ABSENT]
    if len(missing) >= LEAST_ALIKE:
        ids = untried.ranges({change.id for change in missing}, _numbered(change.id for change in missing))
        for line in columns.hanging(f"{Kind.WORSE:{kinds}}  ", f"passed → {ABSENT}: {ids}", width):
            yield Kind.WORSE, line
    for change in comparison.changes:
        if len(missing) >= LEAST_ALIKE and change.now == ABSENT:
            continue
        start = f"{change.kind:{kinds}}  {change.id:3}  {change.level:6}  "
        text = f"{change.before} → {change.now}: {change.sentence}"
        for line in columns.hanging(start, text, width):
            yield change.kind, line
    counts = [f"{len(comparison.of(kind))} {kind}" for kind in Kind if comparison.of(kind)]
    yield None, f"{comparison.answer} the baseline {comparison.baseline}: {', '.join(counts) or 'nothing changed'}."


def _numbered(ids: Iterable[str]) -> list[str]:
    """Return some ids, and all that could be between them, sorted: D01 and D03 have D02 between them."""
    numbers: dict[tuple[str, int], list[int]] = {}
    for identity in ids:
        letters = identity.rstrip("0123456789")
        digits = identity.removeprefix(letters)
        numbers.setdefault((letters, len(digits)), []).append(int(digits or 0))
    return [
        f"{letters}{number:0{width}}" if width else letters
        for (letters, width), known_ in sorted(numbers.items())
        for number in range(min(known_), max(known_) + 1)
    ]
