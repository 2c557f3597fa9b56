"""The kinds of results that Allure groups: defects, known divergences, and cases that were not decided.

Allure recognizes a kind by the status and the message, so that a message begins with the name of its kind.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from reports.outcome import Verdict

FAILED, BROKEN, PASSED, SKIPPED = "failed", "broken", "passed", "skipped"  # Allure's statuses
STATUS = {
    Verdict.PASSED: PASSED,
    Verdict.UNDEFINED: SKIPPED,
    Verdict.UNSUPPORTED: SKIPPED,
    Verdict.INCONCLUSIVE: BROKEN,
    Verdict.ERROR: BROKEN,
    Verdict.FAILED: FAILED,  # a requirement that does not hold, and nothing else
}
KNOWN = "known divergence"


@dataclass(frozen=True)
class Category:
    """A kind of results.

    Attributes:
        name: its name in Allure.
        status: the status of its results.
        beginning: the beginning of their messages; "" if they begin with what was observed.
    """

    name: str
    status: str
    beginning: str


CATEGORIES = (
    Category("Known divergences", FAILED, KNOWN),
    Category("Product defects", FAILED, ""),
    Category("Errors of netproof or the machine", BROKEN, Verdict.ERROR),
    Category("Inconclusive", BROKEN, Verdict.INCONCLUSIVE),
    Category("Unsupported", SKIPPED, Verdict.UNSUPPORTED),
    Category("Undefined", SKIPPED, Verdict.UNDEFINED),
)


def rows() -> list[dict[str, Any]]:
    """Return the content of categories.json, in the form that Allure 2 reads and Allure 3 accepts in its options.

    Results without a beginning are those that have none of the others, because a result of Allure 2 can be in several
    categories. Cases that fail or are broken are listed by requirement, the others by the reason.
    """
    return [
        {
            "name": each.name,
            "matchedStatuses": [each.status],
            "messageRegex": _pattern(each),
            "groupBy": [] if each.status == SKIPPED else [{"label": "feature"}],
            "groupByMessage": each.status == SKIPPED,
        }
        for each in CATEGORIES
    ]


def _pattern(category: Category) -> str:
    """Return a regular expression that JavaScript searches and Java matches with a whole message."""
    if category.beginning:
        return rf"^{category.beginning}[:,][\s\S]*$"
    others = [each.beginning for each in CATEGORIES if each.status == category.status and each.beginning]
    return rf"^(?!({'|'.join(others)})[:,])[\s\S]*$"


def message_of(verdict: Verdict, reason: str) -> str:
    """Return the message of a case that did not pass: the reason after its kind, or what was observed if it failed."""
    return reason if verdict is Verdict.FAILED else f"{verdict}: {reason}"
