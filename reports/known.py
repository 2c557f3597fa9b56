"""Known divergences: requirements that a plugin is known not to meet, which therefore do not fail its runs.

The rows are in a file known.yaml beside the plugin, or in a file of the user (--known).
"""

from __future__ import annotations

import datetime
import re
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from policies import datafile
from reports import left_out, outcome
from reports.outcome import Verdict

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from policies.datafile import Document

SCHEMA = Path(__file__).with_name("known.schema.json")
NAME = "known.yaml"
FACT = "known"  # the key in verdict.json
CERTIFIED = "{cni} is certified, except for known divergences ({ids}): every other MUST that could be checked holds."
PART = "Every MUST requirement that this run could check holds for {cni}; that is not a certification. {reasons}"
BEGINNING = re.compile(r"v?\d+(\.\d+)*")


class Divergence(Struct, frozen=True, forbid_unknown_fields=True):
    """A row of known.yaml; known.schema.json describes every field."""

    requirement: str
    reason: str
    link: str
    expires: str
    versions: dict[str, str] = {}
    variants: tuple[str, ...] = ()
    families: tuple[str, ...] = ()


@dataclass(frozen=True)
class Owner:
    """The plugin or the policy engine that rows are about.

    Attributes:
        folder: its folder.
        variant: its variant in this run.
        variants: the variants that it has.
    """

    folder: Path
    variant: str
    variants: Collection[str]


@dataclass(frozen=True)
class Row:
    """A divergence of a plugin.

    Attributes:
        divergence: the row of the file.
        file: the name of the file, for reports.
        variant: the variant of its plugin in this run.
    """

    divergence: Divergence
    file: str
    variant: str


class Status(StrEnum):
    """What a run found out about a divergence."""

    FAILS = "fails"  # as known: the failure does not count
    PASSES = "passes"  # the row can be removed
    EXPIRED = "expired"  # the row does not excuse any more
    OTHER_VERSION = "other version"  # the requirement fails, and the row is about other versions


@dataclass(frozen=True)
class Finding:
    """What a run found out about a divergence, as verdict.json has it.

    Attributes:
        requirement: id of the requirement.
        status: what was found out.
        sentence: the same for readers.
        reason: the reason of the row.
        link: its link.
        expires: its last day.
        file: the name of its file.
    """

    requirement: str
    status: Status
    sentence: str
    reason: str
    link: str
    expires: str
    file: str


@dataclass(frozen=True)
class Subject:
    """What a run tested.

    Attributes:
        day: the day in UTC on which it began.
        versions: name of a program, kubernetes or kernel → version.
        families: the address families of the cluster.
    """

    day: datetime.date
    versions: Mapping[str, str]
    families: Collection[str]

    @classmethod
    def of(cls, facts: Mapping[str, Any], started: str) -> Subject:
        """Return the subject of a run.

        Args:
            facts: programs and cluster, as in verdict.json.
            started: when the run started, UTC in ISO 8601.
        """
        cluster = facts["cluster"]
        versions = {program["name"]: program["version"] for program in facts["programs"]}
        versions |= {name: cluster[name] for name in ("kubernetes", "kernel") if name in cluster}
        return cls(datetime.date.fromisoformat(started[:10]), versions, cluster.get("families", ()))


def load(owners: Sequence[Owner], given: Path | None, requirements: Collection[str]) -> tuple[Row, ...]:
    """Return the rows of the files beside the plugin under test, and of the user's file.

    Args:
        owners: the plugin under test, and the policy engine beside it; the user's file is about the first one.
        given: the file of --known.
        requirements: the ids that exist.

    Raises:
        BadFileError: a file cannot be read, or a field of it is wrong.
    """
    rows: list[Row] = []
    for owner in owners:
        path = owner.folder / NAME
        if path.is_file():
            rows += _read(path, f"{owner.folder.name}/{NAME}", owner, requirements)
    if given:
        rows += _read(given, str(given), owners[0] if owners else None, requirements)
    return tuple(rows)


def _read(path: Path, name: str, owner: Owner | None, requirements: Collection[str]) -> Iterator[Row]:
    document = datafile.load(path, SCHEMA)
    for number, row in enumerate(document.to(tuple[Divergence, ...])):
        _require_valid(document, number, row, requirements)
        for index, variant in enumerate(row.variants):
            if owner and variant not in owner.variants:
                rule = f"{variant!r} is no variant; there are {', '.join(owner.variants)}"
                raise document.bad((number, "variants", index), rule)
        yield Row(row, name, owner.variant if owner else "")


def _require_valid(document: Document, number: int, row: Divergence, requirements: Collection[str]) -> None:
    """Refuse what the schema cannot know.

    Raises:
        BadFileError: the requirement or the day does not exist, or a range is malformed.
    """
    if row.requirement not in requirements:
        raise document.bad((number, "requirement"), f"no requirement is called {row.requirement}")
    try:
        datetime.date.fromisoformat(row.expires)
    except ValueError as error:
        raise document.bad((number, "expires"), f"{row.expires} is no day") from error
    for name, text in row.versions.items():
        try:
            SpecifierSet(text)
        except InvalidSpecifier as error:
            rule = f'{text!r} is no range of versions; write it like ">=0.28, <0.29"'
            raise document.bad((number, "versions", name), rule) from error


def judge(rows: Iterable[Row], verdicts: Mapping[str, Verdict], subject: Subject) -> tuple[Finding, ...]:
    """Return what a run found out about known divergences; nothing about those that it did not decide.

    Args:
        rows: the divergences.
        verdicts: the verdicts of the run by requirement.
        subject: what the run tested.
    """
    found = [finding for row in rows if (finding := _judge(row, verdicts.get(row.divergence.requirement), subject))]
    failing = {finding.requirement for finding in found if finding.status is Status.FAILS}
    # Of two rows about one requirement, each for some versions, one is enough.
    return tuple(each for each in found if each.status is not Status.OTHER_VERSION or each.requirement not in failing)


def excused(document: Mapping[str, Any]) -> frozenset[str]:
    """Return the requirements whose failures do not count, as known divergences.

    Args:
        document: a mapping that may have the findings as `known`, such as the content of verdict.json.
    """
    return frozenset(row["requirement"] for row in document.get(FACT, ()) if row["status"] == Status.FAILS)


def others(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the findings in verdict.json that need somebody to act: rows to remove, to renew or to extend."""
    return [row for row in document.get(FACT, ()) if row["status"] != Status.FAILS]


def closing(document: Mapping[str, Any]) -> str:
    """Return the sentence about the verdict of a run.

    Args:
        document: the content of verdict.json.
    """
    verdict, failing = Verdict(document["verdict"]), excused(document)
    if unfinished := document.get("unfinished"):
        return str(unfinished["reason"])
    if verdict is Verdict.PASSED and (reasons := [*left_out.sentences(document)]):
        return PART.format(cni=document["cni"], reasons=" ".join(reasons))
    if verdict is Verdict.PASSED and failing:
        return CERTIFIED.format(cni=document["cni"], ids=", ".join(sorted(failing)))
    return str(document.get("reason") or outcome.CLOSING[verdict].format(cni=document["cni"]))


def _judge(row: Row, verdict: Verdict | None, subject: Subject) -> Finding | None:
    divergence = row.divergence
    is_about = row.variant in (divergence.variants or (row.variant,)) and {*divergence.families} <= {*subject.families}
    if verdict not in {Verdict.FAILED, Verdict.PASSED} or not is_about:
        return None
    name = divergence.requirement
    if other := _other_versions(divergence.versions, subject.versions):
        sentence = f"{name} fails, and the row about it does not apply: {other}."
        return _finding(row, Status.OTHER_VERSION, sentence) if verdict is Verdict.FAILED else None
    if subject.day > datetime.date.fromisoformat(divergence.expires):
        state = "so its failure counts" if verdict is Verdict.FAILED else "and it passes: remove the row"
        return _finding(row, Status.EXPIRED, f"The row about {name} expired on {divergence.expires}, {state}.")
    if verdict is Verdict.PASSED:
        return _finding(row, Status.PASSES, f"{name} passes, although it is known to fail: remove its row.")
    return _finding(row, Status.FAILS, f"{name} fails as known, until {divergence.expires}: {divergence.reason}")


def _finding(row: Row, status: Status, sentence: str) -> Finding:
    divergence = row.divergence
    return Finding(
        divergence.requirement, status, sentence, divergence.reason, divergence.link, divergence.expires, row.file
    )


def _other_versions(ranges: Mapping[str, str], versions: Mapping[str, str]) -> str:
    """Return why a row with these ranges is not about these versions; "" if it is."""
    for name, text in ranges.items():
        version = version_of(versions.get(name, ""))
        if version is None:
            return f"the version of {name} is not known"
        if not SpecifierSet(text).contains(version, prereleases=True):
            return f"it is about {name} {text}, and this is {versions[name]}"
    return ""


def version_of(text: str) -> Version | None:
    """Return a version such as v0.28.4, v1.2.0-rc.1 or 6.18.44-generic; None if it does not begin with a number.

    What follows the number and is no part of a version, such as the distance to a tag of git, is ignored.
    """
    try:
        return Version(text)
    except InvalidVersion:
        beginning = BEGINNING.match(text)
        return Version(beginning[0]) if beginning else None


def as_json(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """Return findings for verdict.json."""
    return [asdict(finding) for finding in findings]
