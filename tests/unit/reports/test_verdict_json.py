"""verdict.json as a format: its version, and the same bytes for the same facts."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

import jsonschema
from hypothesis import given
from hypothesis import strategies as st

from reports import verdict
from reports.ledger import Ledger
from reports.outcome import Verdict
from reports.record import Record
from tests.support.verdicts import case, document, requirement

if TYPE_CHECKING:
    import random

PROGRAMS = [
    {"name": name, "version": "v1", "sha256": digit * 64} for name, digit in (("a", "1"), ("b", "2"), ("b", "3"))
]
SHAPE = {"provider": "lab", "nodes": 3, "kernel": "6.18.44"}


def records() -> list[Record]:
    """Return records of a run, among them several of one case and one of a case without a requirement."""
    passed = Record(
        "suites/x.py::test_a[ipv4]", "A.", ("D01", "D02"), Verdict.PASSED, 0.1, facts={"b": 1, "a": [1, 2]}
    )
    broken = dataclasses.replace(passed, verdict=Verdict.ERROR, message="its teardown failed", facts={})
    others = [
        dataclasses.replace(passed, case=f"suites/x.py::test_{number}", requirements=ids)
        for number, ids in enumerate([("D02",), ("P01",), (), ()])
    ]
    return [passed, broken, *others]


def text_of(drawn: random.Random) -> str:
    """Return verdict.json of the same facts, whose records and keys come in another order each time."""

    def shuffled(value: Any) -> Any:  # noqa: ANN401 - JSON
        if isinstance(value, dict):
            keys = drawn.sample([*value], len(value))
            return {key: shuffled(value[key]) for key in keys}
        return value

    ledger = Ledger()
    for record in drawn.sample(records(), len(records())):
        ledger.add(dataclasses.replace(record, facts=shuffled(record.facts)))
    facts = {"cni": "x:y", "cluster": shuffled(SHAPE), "programs": drawn.sample(PROGRAMS, len(PROGRAMS))}
    return verdict.text(verdict.build(ledger, facts, started="2026-01-01T00:00:00Z", seconds=1, seed=7))


@given(st.randoms(use_true_random=False))
def test_the_same_facts_are_the_same_bytes(drawn: random.Random) -> None:
    """The order in which cases end on workers, and that of keys, does not show in verdict.json."""
    assert text_of(drawn) == text_of(drawn)


def test_the_schema_states_its_version() -> None:
    """The number in verdict.json is that of the schema, and every object that programs read describes its ids."""
    schema = json.loads(verdict.SCHEMA.read_text())
    assert schema["properties"]["schema"]["const"] == verdict.VERSION
    assert schema["$id"].endswith(f"verdict-{verdict.VERSION}.json")
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(
        document("passed", requirement("D01", [case("passed")])) | {"session": "certify", "narrowed_by": ["--only"]}
    )
