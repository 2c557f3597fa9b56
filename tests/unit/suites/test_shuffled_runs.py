"""Shuffled runs are compared with one in the order that is written, case by case."""

from __future__ import annotations

from typing import Any

from reports.runs import Run, differing
from tests.shuffle import main


def run(name: str, **verdicts: str) -> Run:
    """A run whose requirements D01, D02, … had one case each, or D02_a and D02_b for two."""
    rows: dict[str, Any] = {}
    for key, verdict in verdicts.items():
        row = rows.setdefault(key.partition("_")[0], {"verdict": verdict, "sentence": "It holds.", "cases": []})
        row["cases"].append({"case": f"suites/x.py::test_{key}", "verdict": verdict, "message": "", "facts": {}})
    return Run(name, "passed", rows)


WRITTEN = run("as-written", D01="passed", D02_a="passed", D02_b="failed")


def test_equal_verdicts_do_not_differ() -> None:
    """Two runs with the same verdicts differ in nothing."""
    assert not differing(WRITTEN, run("other", D02_b="failed", D02_a="passed", D01="passed"))


def test_a_case_that_differs_is_named_with_both_verdicts() -> None:
    """Also where its requirement came to the same, because another case of it failed."""
    (found,) = differing(WRITTEN, run("other", D01="passed", D02_a="failed", D02_b="failed"))
    assert str(found) == "D02 suites/x.py::test_D02_a: passed in as-written, failed in other"
    assert found.contradicts
    (found,) = differing(WRITTEN, run("other", D01="passed", D02_a="inconclusive", D02_b="failed"))
    assert not found.contradicts  # a machine that was late in one of the runs


def test_a_case_that_did_not_run_differs() -> None:
    """A run that was cut short is not like one that was not."""
    (found,) = differing(WRITTEN, run("other", D02_a="passed", D02_b="failed"))
    assert str(found) == "D01 suites/x.py::test_D01: passed in as-written, not run in other"
    assert found.contradicts


def test_the_seed_of_the_order_is_named() -> None:
    """Who reads that something differs knows with which order to see it again."""
    shuffled = {7: run("shuffle-7", D01="passed", D02_a="passed", D02_b="failed"), 8: run("shuffle-8", D01="failed")}
    assert [seed for seed, _ in main.differences(WRITTEN, shuffled)] == [8, 8, 8]


def test_options_of_the_suites_are_handed_on() -> None:
    """What is not the session's own goes to pytest as it is."""
    options, given = main.parse(["suites/datapath", "--runs", "2", "--cni", "bridge", "--shuffle", "5", "-n", "2"])
    assert (options.runs, options.shuffle, options.seed) == (2, 5, None)
    assert given == ["suites/datapath", "--cni", "bridge", "-n", "2"]
