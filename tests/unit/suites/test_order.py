"""The order of the cases: drawn from a seed, the same everywhere, and a case that disturbs others runs alone."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from fixtures import paths
from suites.support import order
from tests.support.run import refused

if TYPE_CHECKING:
    from pathlib import Path

CASES = [f"suites/datapath/test_x.py::test_{number}[ipv4]" for number in range(50)]
SMALL_SUITE = {
    "conftest.py": """
import os, time
import pytest

pytest_plugins = ["suites.support.order"]

def pytest_addoption(parser):
    parser.addoption("--out")

def pytest_configure(config):
    for mark in ("requirement(id)", "disturbs", "isolates"):
        config.addinivalue_line("markers", mark)

def lasts(config, name, seconds):
    with open(os.path.join(config.option.out, "events"), "a", buffering=1) as file:
        file.write(f"{name} begins {os.getpid()}\\n")
        time.sleep(seconds)  # another process would come in between
        file.write(f"{name} ends {os.getpid()}\\n")

@pytest.fixture(scope="session")
def shared(pytestconfig):
    lasts(pytestconfig, "shared", 0.1)

@pytest.fixture
def case(request):
    lasts(request.config, request.node.nodeid, 0.02)
""",
    "suites/generated/test_group.py": """
import pytest

@pytest.mark.requirement("G02")
@pytest.mark.parametrize("number", range(4))
def test_group(case, number):
    pass
""",
    "suites/test_plain.py": """
import pytest

@pytest.mark.requirement("D01")
@pytest.mark.parametrize("number", range(6))
def test_plain(shared, case, number):
    pass

@pytest.mark.requirement("D01")
@pytest.mark.disturbs
@pytest.mark.parametrize("number", range(4))
def test_alone(case, number):
    pass

@pytest.mark.requirement("D01")
@pytest.mark.isolates
@pytest.mark.parametrize("number", range(4))
def test_isolating(case, number):
    pass
""",
}


@dataclass(frozen=True)
class Event:
    """What a case of the small suite wrote: its node id, begins or ends, its process."""

    name: str
    what: str
    process: str


def run_small(folder: Path, *arguments: str) -> list[Event]:
    """Run the small suite; what happened, in order."""
    for name, text in SMALL_SUITE.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "xdist"]
    command += ["--out", str(folder), *arguments]
    # Without plugins that the small suite does not use: each of its processes would import them.
    environment = {**os.environ, "PYTHONPATH": str(paths.ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return [Event(*line.split()) for line in (folder / "events").read_text().splitlines()]


def begun(events: list[Event], part: str) -> list[Event]:
    """What began, of cases whose node id has this part."""
    return [event for event in events if event.what == "begins" and part in event.name]


def test_a_seed_gives_one_order_and_another_seed_another() -> None:
    """The same seed orders the same cases in one way, whatever order they were collected in."""

    def ordered(names: list[str], seed: int) -> list[str]:
        return sorted(names, key=lambda name: order.place(name, seed))

    assert ordered(CASES, 1) == ordered(CASES[::-1], 1) != CASES
    assert ordered(CASES, 1) != ordered(CASES, 2)


def test_some_cases_keep_the_order_they_have_in_all() -> None:
    """What --only leaves, and what a worker of xdist gets, comes in the order of the whole run."""
    whole = sorted(CASES, key=lambda name: order.place(name, 7))
    some = sorted(CASES[::3], key=lambda name: order.place(name, 7))
    assert some == [name for name in whole if name in CASES[::3]]


def test_the_order_reaches_the_suites() -> None:
    """The suites are collected in the order of the seed, all of them."""
    orders = [refused("--collect-only", *given).output.splitlines() for given in ([], ["--shuffle", "7"])]
    names = [[line for line in lines if "::" in line] for lines in orders]
    assert names[1] == sorted(names[0], key=lambda name: order.place(name, 7)) != names[0]


def test_without_a_seed_one_is_drawn_and_shown(tmp_path: Path) -> None:
    """--shuffle alone draws a seed, and says which."""
    said = refused("--collect-only", "--out", str(tmp_path / "out"), "--shuffle").output
    assert "order of the cases: --shuffle " in said
    assert "--shuffle -1" not in said


@pytest.mark.parametrize(
    ("workers", "shuffled"),
    [("0", ["--shuffle", "5"]), ("2", ["--shuffle"]), ("2", [])],
    ids=["seed", "drawn", "none"],
)
def test_a_group_stays_in_one_process(tmp_path: Path, workers: str, shuffled: list[str]) -> None:
    """In one process and in two, every case runs once, and those of a group in one process and in their order."""
    events = run_small(tmp_path, "-n", workers, "--dist", "loadgroup", *shuffled)
    group = begun(events, "test_group")
    written = sorted(event.name for event in group)
    seeded = sorted(written, key=lambda name: order.place(name, 5))
    if shuffled != ["--shuffle"]:
        assert [event.name for event in group] == (seeded if shuffled else written)
    assert len({event.process for event in group}) == 1
    assert len(begun(events, "::")) == len({event.name for event in begun(events, "::")}) == 18


def test_a_case_that_disturbs_others_runs_alone(tmp_path: Path) -> None:
    """Between its begin and its end no other case begins or ends, nor is anything made that cases share."""
    events = run_small(tmp_path, "-n", "2", "--dist", "loadgroup", "--shuffle", "3")
    alone = [index for index, event in enumerate(events) if "test_alone" in event.name]
    assert len({event.process for event in events}) == 2
    assert len(alone) == 8
    for one, other in zip(alone[::2], alone[1::2], strict=True):
        assert (events[one].name, other) == (events[other].name, one + 1)


def test_a_case_that_isolates_pods_of_the_testbed_shares_them_with_none(tmp_path: Path) -> None:
    """Beside it runs no other case that uses the testbed's pods; one of the workspaces, which have their own, may."""
    events = run_small(tmp_path, "-n", "2", "--dist", "loadgroup")
    running: set[str] = set()
    beside: set[str] = set()
    for event in events:
        (running.add if event.what == "begins" else running.discard)(event.name)
        if any("test_isolating" in name for name in running):
            beside |= {name.partition("::")[2].partition("[")[0] for name in running if name != event.name}
    assert beside <= {"test_group"}
    isolating, of_workspaces = "suites/networkpolicy/test_x.py::test_x", "suites/generated/test_x.py::test_x"
    assert order.locks(isolating, {"isolates"}) == {"cluster": fcntl.LOCK_SH, "testbed": fcntl.LOCK_EX}
    assert order.locks(of_workspaces, set()) == {"cluster": fcntl.LOCK_SH}


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("suites/generated/test_generated.py::test_random_histories[ipv4]", "workspaces"),
        ("suites/networkpolicy/test_corpus.py::test_case[peer-and-ipv4]", "workspaces"),
        ("suites/networkpolicy/test_packets.py::test_a_node_port_is_no_back_door[ipv4]", "policies"),
        ("suites/datapath/test_mtu.py::test_a_packet[ipv4]", ""),
    ],
)
def test_cases_on_stages_are_one_group(name: str, group: str) -> None:
    """What stages are made for goes to one worker, everything else to whoever is free."""
    assert order.group_of(name) == group


def test_every_case_on_stages_is_in_a_place_of_the_group() -> None:
    """The modules that mark cases as the stages' are those whose cases are handed out together."""
    marked = [path for path in (paths.ROOT / "suites").rglob("test_*.py") if "@GROUP" in path.read_text()]
    assert marked
    assert all(order.group_of(f"{path.relative_to(paths.ROOT)}::test_x") == "workspaces" for path in marked)


def test_a_migration_is_not_shuffled(tmp_path: Path) -> None:
    """Its cases follow each other, so the options are refused together."""
    ended = refused("--cluster", "lab", "--out", str(tmp_path / "out"), "--shuffle", "1", "--migrate-to", "bridge")
    assert ended.code == 4
    assert "--shuffle and --migrate-to" in ended.output


@dataclass(frozen=True)
class Marked:
    """A case with marks, as far as its place depends on it."""

    name: str
    marks: tuple[str, ...] = ()

    @property
    def nodeid(self) -> str:
        """Its node id."""
        return self.name

    def iter_markers(self) -> list[pytest.Mark]:
        """Its marks."""
        return [getattr(pytest.mark, name).mark for name in self.marks]


def test_nothing_disturbs_a_window_and_others_run_in_it() -> None:
    """Disturbing cases come before the begin of a window; its end comes last; without one the order is as written."""
    begins, ends = Marked("begins", ("disturbs", "begins_window")), Marked("ends", ("disturbs", "ends_window"))
    plain, alone = Marked("plain"), Marked("alone", ("disturbs",))
    written: list[Any] = [plain, begins, ends, alone, Marked("more")]
    assert [case.name for case in order.with_windows(written)] == ["alone", "begins", "plain", "more", "ends"]
    without: list[Any] = [plain, ends, alone]
    assert order.with_windows(without) == without


def test_two_processes_wait_little_for_each_other() -> None:
    """In a worker, cases that run alone come first, then those of the workspaces, then all others in a window."""
    workspace, plain = Marked("suites/generated/test_generated.py::test_x"), Marked("plain", ("isolates",))
    begins, ends = Marked("begins", ("begins_window",)), Marked("ends", ("ends_window",))
    written: list[Any] = [ends, plain, workspace, begins, Marked("alone", ("disturbs",)), Marked("more")]
    names = [case.name for case in order.side_by_side(written)]
    assert names == ["alone", workspace.name, "begins", "plain", "more", "ends"]


def test_a_window_is_in_one_process() -> None:
    """The cases that begin and end a window are of a group, so one process has both."""
    marked = [path for path in (paths.ROOT / "suites").rglob("test_*.py") if "@begins_window" in path.read_text()]
    assert marked
    assert all(order.group_of(f"{path.relative_to(paths.ROOT)}::test_x") for path in marked)
