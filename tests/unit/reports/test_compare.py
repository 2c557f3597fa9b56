"""compare.html and the table on the terminal: what differs between runs, and what is noise."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest

from fixtures.faults.catalogue import TEXT
from reports.comparison import headline, measured, noise, page, sides, verdicts
from reports.comparison.difference import Matters
from reports.comparison.sides import Side
from reports.report import motion
from reports.verdict_file import BadVerdictError
from tests.support.compared_runs import changed, fault, run, without_tunnel
from tests.support.html import Page
from tests.support.verdicts import case, document, requirement

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from reports.comparison.difference import Row, Section
    from reports.comparison.page import Compared

HOSTILE = "</td><script>alert(1)</script>"


def compared(*documents: dict[str, Any]) -> Compared:
    """Compare runs with these verdict.json files."""
    return page.compare([Side(f"run{number}", (each,)) for number, each in enumerate(documents, 1)])


def section(result: Compared, key: str) -> Section:
    """Return the section with a key."""
    return next(each for each in result.sections if each.key == key)


def cells(rows: Sequence[Row]) -> list[tuple[str, tuple[str, ...]]]:
    """Return what differs and the values."""
    return [(row.id or row.what, row.cells) for row in rows]


def test_the_differences_of_two_variants_that_matter_come_first() -> None:
    """A tunnel against routes: the repair that never happens, encapsulation and MTU are the first rows of the page."""
    result = compared(run(), without_tunnel())
    assert result.headline.question == "What changes from flannel:vxlan to flannel:host-gw?"
    assert result.headline.word == "No requirement newly fails"
    never = "never without intervention; after a restart of the agent (1.93 s)"
    assert cells(result.headline.most) == [
        ("F01", (never, "without intervention, after 9.62 s")),
        ("Encapsulation", ("vxlan", "none")),
        ("MTU of pods", ("1450", "1500")),
    ]
    assert result.headline.most[0].change == "ends without intervention"
    assert result.headline.most[0].what.startswith("Traffic is repaired: ")
    assert cells(section(result, "outages").rows) == [
        ("F01", ("no end without intervention (ended after 38.1 s)", "9.90 s"))
    ]
    assert section(result, "outages").same == ("1 of 2 times do not differ.",)
    assert section(result, "verdicts").same == ("7 of 7 requirements have the same verdict.",)
    assert [row.id for row in section(result, "figures").rows] == ["D17", "D17", "D14"]


@pytest.mark.parametrize(
    ("first", "second", "differ"),
    [
        ({}, {}, False),
        ({"version": "v0.28.4"}, {"version": "v0.28.5"}, True),
        ({"sha256": "ab" * 32}, {"sha256": "cd" * 32}, True),
    ],
)
def test_the_page_says_what_was_upgraded(first: dict[str, str], second: dict[str, str], differ: bool) -> None:  # noqa: FBT001 - a row
    """Runs of one plugin are told apart by the version, or the digest, of its programs."""
    program = {"name": "flanneld", "version": "v0.28.4", "sha256": "ab" * 32, "origin": "given"}
    result = compared(run(programs=[program | first]), run(programs=[program | second]))
    assert ("flanneld" in result.headline.question) == differ
    assert ("with other programs" in result.headline.sentence) == differ
    assert len({*result.labels}) == 2
    assert (result.headline.word == "Nothing differs") != differ


def test_own_builds_of_one_version_are_equal() -> None:
    """Their digests differ with the compiler; a program of the user has no other version than its digest."""
    built = {"name": "flanneld", "version": "v0.28.4", "sha256": "ab" * 32, "origin": "built"}
    first, second = run(programs=[built]), run(programs=[built | {"sha256": "cd" * 32}])
    assert compared(first, second).headline.word == "Nothing differs"


def test_changes_of_verdicts_are_sorted_by_what_they_mean() -> None:
    """Newly failing first, MUST before SHOULD; then newly passing, then others; equal verdicts are counted."""
    before = changed(run(), D14="failed")
    after = changed(run(), D57="failed", F01="failed", D17="inconclusive")
    result = compared(before, after)
    rows = section(result, "verdicts").rows
    assert [(row.group, row.id) for row in rows] == [
        (verdicts.FAILING, "D57"),
        (verdicts.FAILING, "F01"),
        (verdicts.PASSING, "D14"),
        (verdicts.OTHERS, "D17"),
    ]
    assert rows[0].detail == "D57 is failed"
    assert (result.headline.word, result.headline.verdict) == ("2 requirements newly fail", "failed")
    assert [row.matters for row in rows] == [Matters.FAILS, Matters.NOT_ADVISED, Matters.PASSES, Matters.LITTLE]


@pytest.mark.parametrize(
    ("outcomes", "group"),
    [
        (("failed", "failed", "passed"), verdicts.PASSING),
        (("passed", "passed", "failed"), verdicts.FAILING),
        (("failed", "unsupported"), verdicts.OTHERS),
        (("unsupported", "failed"), verdicts.FAILING),
        (("passed", "error"), verdicts.OTHERS),
    ],
)
def test_the_first_run_decides_what_is_new(outcomes: tuple[str, ...], group: str) -> None:
    """Whatever the others are, too."""
    assert verdicts.group_of(outcomes) == group


def test_the_datapath_is_as_declared_if_no_case_measured_it() -> None:
    """Runs with faults alone have no case about the MTU or the encapsulation."""
    sides_ = []
    for encapsulation, mtu in (("vxlan", 1450), ("none", 1500)):
        each = document("passed", requirement("D01", [case("passed")]), cni=f"flannel:{encapsulation}")
        each["cluster"]["datapath"] |= {"encapsulation": encapsulation, "pod_mtu": mtu}
        sides_.append(each)
    assert cells(compared(*sides_).headline.most) == [
        ("Encapsulation", ("vxlan", "none")),
        ("MTU of pods", ("1450", "1500")),
    ]


def test_requirements_that_change_alike_share_a_row() -> None:
    """A feature that one plugin lacks is one row with its reason, and what one run did not check is a sentence."""
    policies = [requirement(f"P0{number}", [case("passed", number=number)], area="policies") for number in range(1, 5)]
    with_engine = document("passed", *policies, requirement("D01", [case("failed")]))
    lacking = changed(with_engine, **dict.fromkeys(("P01", "P02", "P03", "P04"), "unsupported"))
    for row in lacking["requirements"][:4]:
        row["cases"][0]["message"] = "it does not offer network-policy"
    del lacking["requirements"][4]
    lacking["cni"] = "bridge:bridge"
    found = section(compared(with_engine, lacking), "verdicts")
    assert cells(found.rows) == [("P01–P04", ("passed", "unsupported"))]
    assert found.rows[0].detail == "it does not offer network-policy"
    assert found.same[1] == "Checked for flannel:vxlan only: D01; of these D01 failed."


def test_figures_of_a_busy_machine_are_not_compared() -> None:
    """They say more about the other programs than about the plugin; the page says so."""
    late = {"seconds": 100.0, "lost_seconds": 30.0, "worst_timer_seconds": 0.1}
    found = section(compared(run(), without_tunnel() | {"lateness": late}), "figures")
    assert found.rows == ()
    assert found.same == (
        "Other programs took up to 30% of the processor time of flannel:host-gw: these figures are left out.",
    )


def test_repairs_that_need_help_are_compared_from_the_intervention_on() -> None:
    """When netproof restarts an agent is its own choice, so two such outages do not differ in their length."""
    later = copy.deepcopy(run())
    marks = [(61.0, "agent restarted"), (63.1, "traffic is back")]
    later["requirements"][-1]["cases"][0]["facts"]["fault"] = fault("after a restart of the agent", 63.1, 65.0, marks)
    result = compared(run(), later)
    assert [section(result, key).rows for key in ("outages", "repairs")] == [(), ()]
    marks = [(12.0, "agent restarted"), (24.0, "traffic is back")]
    later["requirements"][-1]["cases"][0]["facts"]["fault"] = fault("after a restart of the agent", 24.0, 26.0, marks)
    assert [row.id for row in section(compared(run(), later), "repairs").rows] == ["F01", "F01"]


def test_repairs_within_the_known_period_do_not_differ() -> None:
    """An agent that reconciles every ten seconds repairs a route after any time up to ten seconds."""
    soon, late = without_tunnel(), without_tunnel()
    for document_, seconds in ((soon, 1.3), (late, 9.6)):
        fact = fault(f"without intervention within {seconds} s", seconds, seconds + 0.2)
        document_["requirements"][-1]["cases"][0]["facts"]["fault"] = fact
    assert [row.id for row in section(compared(soon, late), "repairs").rows] == ["F01", "F01"]
    for document_ in (soon, late):
        fact = document_["requirements"][-1]["cases"][0]["facts"]["fault"]
        fact["known_seconds"] = {"traffic": 10.0, "state": 10.0}
    assert section(compared(soon, late), "repairs").rows == ()
    assert section(compared(soon, late), "outages").rows == ()
    soon["requirements"][-1]["cases"][0]["facts"]["fault"]["known_seconds"] = {"traffic": 5.0, "state": 5.0}
    assert [row.id for row in section(compared(soon, late), "repairs").rows] == ["F01", "F01"]


def test_what_never_ends_comes_before_large_ratios() -> None:
    """The order within a section: no repair at all, then no repair without intervention, then the largest ratio."""
    before, after = run(), run()
    pairs = {
        "F02": (
            fault("without intervention within 2 s", 2.0, 2.0),
            fault("without intervention within 60 s", 60.0, 60.0),
        ),
        "F05": (fault("not affected", 0.0, 0.1), fault("after a restart of the agent", 40.0, 41.0)),
        "F07": (fault("without intervention within 2 s", 2.0, 2.0), fault("did not recover", 0.0, 90.0)),
    }
    for number, (identity, facts) in enumerate(pairs.items(), 300):
        for run_, fact in zip((before, after), facts, strict=True):
            row = requirement(identity, [case("passed", number=number, fault=fact)], area="chaos")
            run_["requirements"].append(row)
    found = section(compared(before, after), "repairs").rows
    traffic = [row for row in found if row.what.startswith("Traffic")]
    assert [(row.id, row.change) for row in traffic] == [
        ("F07", "no end without intervention"),
        ("F05", "no end without intervention"),
        ("F02", "longer by a factor of 30.0"),
    ]


def test_recoveries_have_the_texts_of_faults() -> None:
    """The texts by which recoveries are ranked are those that cases about faults record, and each has a rank."""
    assert {*measured.REMEDIES} == {*TEXT.values()}
    assert measured.rank_of("a text of another version") is None
    other = copy.deepcopy(without_tunnel())
    other["requirements"][-1]["cases"][0]["facts"]["fault"] |= {"traffic": "unknown", "state": "unknown"}
    assert section(compared(run(), other), "repairs").rows == ()


def test_runs_of_one_side_are_compared_as_one(tmp_path: Path) -> None:
    """A certification and a run with faults, separated by a comma, have the facts of both; they have one plugin."""
    certified, faults, other = run(), run(), without_tunnel()
    faults["requirements"] = faults["requirements"][-1:]
    certified["requirements"] = certified["requirements"][:-1]
    for name, content in (("a", certified), ("b", faults), ("c", other)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "verdict.json").write_text(json.dumps(content))
    side = sides.load(f"{tmp_path / 'a'},{tmp_path / 'b' / 'verdict.json'}")
    assert side.name == "a and b"
    assert len(side.rows) == 7
    assert side.fact("mtu") == 1450
    assert compared(run(), run()).labels == ("run1", "run2")
    with pytest.raises(BadVerdictError, match="flannel:vxlan and flannel:host-gw cannot be one side"):
        sides.load(f"{tmp_path / 'a'},{tmp_path / 'c'}")


def test_more_than_two_runs_have_a_column_each() -> None:
    """The change is that from the first one; a run that did not measure something has a dash."""
    third = changed(without_tunnel(), D01="failed") | {"cni": "flannel:udp"}
    third["requirements"].pop()
    result = compared(run(), without_tunnel(), third)
    assert result.labels == ("flannel:vxlan", "flannel:host-gw", "flannel:udp")
    assert cells(section(result, "verdicts").rows) == [("D01", ("passed", "passed", "failed"))]
    assert section(result, "repairs").rows[0].cells[2] == measured.NONE
    assert headline.relation(result.sides) == "Variants of flannel."


def test_a_change_between_more_than_two_runs_has_no_direction() -> None:
    """The first and the last run are alike here, so that nothing is larger, shorter or ended."""
    result = compared(run(), without_tunnel(), run(cni="flannel:udp"))
    figures = {row.change for row in section(result, "figures").rows}
    assert figures == {"differ by a factor of 1.3", "differ by a factor of 1.8"}
    assert {row.change for row in section(result, "repairs").rows} == {"not all end without intervention"}


@pytest.mark.parametrize("documents", [(), (run(),), (run(), run()), (run(), without_tunnel()), (run(),) * 6])
def test_the_page_is_one_file_without_script(documents: tuple[dict[str, Any], ...]) -> None:
    """It is well-formed, loads nothing, has each id once, and states the rules; links lead to elements that it has."""
    result = compared(*documents)
    html = page.render(result)
    parsed = Page(html)
    assert html == page.render(result)
    assert not {"script", "img", "iframe", "object", "link"} & {*parsed.tags}
    assert [row for row in parsed.attributes if row[1] == "src" or row[1].startswith("on")] == []
    targets = {value[1:] for _, attribute, value in parsed.attributes if attribute == "href" and value[0] == "#"}
    assert targets <= {*parsed.ids}
    assert len(parsed.ids) == len({*parsed.ids})
    assert all(rule in parsed.text for rule in noise.sentences())


def test_hostile_texts_are_text() -> None:
    """Names and messages come from clusters; none of them becomes an element of the page."""
    after = changed(run(cni=f"flannel:{HOSTILE}"), D01="failed")
    after["requirements"][0]["cases"][0]["message"] = HOSTILE
    after["requirements"][0]["sentence"] = HOSTILE
    parsed = Page(page.render(compared(run(), after)))
    assert "script" not in parsed.tags
    assert HOSTILE in parsed.text


def test_differences_between_providers_are_explained() -> None:
    """A verdict that another provider explains has the reason of differences.yaml."""
    first = document("passed", requirement("N11", [case("passed")]))
    second = changed(first, N11="failed")
    second["cluster"] = first["cluster"] | {"provider": "kind"}
    second["requirements"][0]["cases"][0]["message"] = ""
    rows = section(compared(first, second), "verdicts").rows
    assert "strict reverse path filter" in rows[0].detail


def windows(policy_created: int, policy_deleted: int) -> dict[str, Any]:
    """Return the verdict.json of a run with these medians, in milliseconds, of windows of changes."""
    figures = {"windows": 9, "p95": 300, "p99": 300, "longest": 300, "resolution": 20, "too short to measure": 0}
    rows = [
        {"kind": "policy created", "direction": "closes", "p50": policy_created, "not over": 0, **figures},
        {"kind": "policy deleted", "direction": "opens", "p50": policy_deleted, "not over": 0, **figures},
    ]
    facts: dict[str, Any] = {motion.WINDOWS: rows}
    return document("passed", requirement("T01", [case("passed", **facts)]))


def test_windows_of_changes_differ_beyond_their_resolution() -> None:
    """A median that is longer by more than both resolutions is a difference, and one within them is not."""
    outages = section(compared(windows(10, 10), windows(110, 45)), "outages")
    assert [(row.what, row.cells) for row in outages.rows] == [
        ("Until a change takes effect, denied flows get through: policy created", ("10 ms", "110 ms"))
    ]
    assert "1 of 2 times do not differ." in outages.same
