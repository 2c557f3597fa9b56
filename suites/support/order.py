"""The order of cases, drawn from a seed with --shuffle, and which cases run at the same time."""

from __future__ import annotations

import fcntl
import hashlib
import random
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from xdist.scheduler import LoadGroupScheduling

if TYPE_CHECKING:
    from collections.abc import Generator
    from collections.abc import Set as AbstractSet

DRAWN = -1  # --shuffle without a seed
WINDOWS = pytest.StashKey[bool]()  # whether a case may leave a window open for another one
SHUFFLE = "netproof shuffle"  # key of the seed in the input of an xdist worker
DISTURBING = {"disturbs", "isolates"}  # marks of cases that others notice
WORKSPACES = "workspaces"
TOGETHER = {  # cases of these modules share a fixture, so they run in one process
    "suites/generated/": WORKSPACES,
    "suites/networkpolicy/test_corpus.py::": WORKSPACES,
    "suites/networkpolicy/": "policies",  # one begins a window in which the others run, and another one ends it
    "suites/datapath/test_reused_addresses.py::": "addresses",  # the same
    "suites/performance/": "performance",  # figures of one run are measured in the same minute
    "tests/unit/policies/test_worlds.py::": "worlds",  # what it generates is cached in the process
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --shuffle."""
    parser.getgroup("netproof order").addoption(
        "--shuffle",
        nargs="?",
        type=int,
        const=DRAWN,
        metavar="SEED",
        help="run the cases in an order drawn from this seed (default: a new seed, which is printed)",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Draw the seed; an xdist worker takes that of the controller."""
    if hasattr(config, "workerinput"):
        config.option.shuffle = config.workerinput[SHUFFLE]
    if config.option.shuffle == DRAWN:
        config.option.shuffle = random.SystemRandom().randrange(2**31)
    if config.option.shuffle is not None and getattr(config.option, "migrate_to", None):
        raise pytest.UsageError("--shuffle and --migrate-to: a migration has one order; leave out --shuffle.")
    config.option.loadscopereorder = False  # xdist would take large groups first


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:  # noqa: ANN401 - xdist has no types
    """Pass the seed to an xdist worker, which reads the command line only."""
    node.workerinput[SHUFFLE] = node.config.option.shuffle


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:  # noqa: ANN401 - xdist has no types
    """Schedule cases that share a fixture together; the groups of xdist have no effect with pytest 9.2."""
    return Together(config, log) if config.getoption("dist") == "loadgroup" else None


class Together(LoadGroupScheduling):  # type: ignore[misc] # xdist has no types
    """Schedules cases one by one, and the cases of a group on one worker, in their order."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid) or nodeid


def group_of(name: str) -> str:
    """The group of a case by its node id; "" for a case without one."""
    return next((group for start, group in TOGETHER.items() if name.startswith(start)), "")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Print the seed, in the controller."""
    terminal = session.config.pluginmanager.getplugin("terminalreporter")
    if terminal is not None and session.config.option.shuffle is not None:
        terminal.write_line(f"order of the cases: --shuffle {session.config.option.shuffle}")


def place(name: str, seed: int) -> bytes:
    """The sort key of a case in the order of a seed.

    It does not depend on other cases, so that a selection of cases has the same order as the whole run, in every
    process.

    Args:
        name: node id of the case.
        seed: the seed.
    """
    return hashlib.sha256(f"{seed} {name}".encode()).digest()


def marks_of(item: pytest.Item) -> set[str]:
    """The names of a case's marks."""
    return {mark.name for mark in item.iter_markers()}


def with_windows(items: list[pytest.Item]) -> list[pytest.Item]:
    """The cases in an order in which others run between the begin of a window and its end, but none that disturbs.

    Cases that disturb others come first, then those that begin a window, and last those that end one.
    """

    def rank(item: pytest.Item) -> int:
        marks = marks_of(item)
        return 3 if "ends_window" in marks else 1 if "begins_window" in marks else 0 if marks & DISTURBING else 2

    return sorted(items, key=rank) if any(rank(item) == 1 for item in items) else items


def side_by_side(items: list[pytest.Item]) -> list[pytest.Item]:
    """The cases in an order in which two processes wait little for each other.

    Those that run alone come first; otherwise each would wait for the end of the longest case.  Those of the
    workspaces take longest and follow, in one process, and all others run beside them, most of them in a window.
    """

    def rank(item: pytest.Item) -> int:
        marks = marks_of(item)
        if "disturbs" in marks:
            return 0
        if group_of(item.nodeid) == WORKSPACES:
            return 1
        return 2 if "begins_window" in marks else 4 if "ends_window" in marks else 3

    return sorted(items, key=rank)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Sort the selected cases; trylast, after the hooks that select.

    Windows stay open in the order as written alone: in others, a case may disturb them.
    """
    seed, in_worker = config.option.shuffle, hasattr(config, "workerinput")
    config.stash[WINDOWS] = seed is None
    if seed is not None:
        items.sort(key=lambda item: place(item.nodeid, seed))
    elif in_worker:
        items[:] = side_by_side(items)
    else:
        items[:] = with_windows(items)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Run a case beside those that it does not disturb, from its first fixture to the end of its last."""
    if item.get_closest_marker("requirement") is None:
        return (yield)  # a test of netproof itself
    with ExitStack() as held:
        for name, operation in locks(item.nodeid, marks_of(item)).items():
            lock = held.enter_context((Path(item.config.option.out) / f"{name}.lock").open("w"))
            fcntl.flock(lock, operation)
        return (yield)


def locks(name: str, marks: AbstractSet[str]) -> dict[str, int]:
    """The locks that a case takes, in this order: the name of each, and how it is taken.

    A case that disturbs others shares nothing.  One that isolates pods of the testbed shares them with none, and the
    cluster with cases of workspaces, which have pods of their own.

    Args:
        name: node id of the case.
        marks: names of its marks.
    """
    taken = {"cluster": fcntl.LOCK_EX if "disturbs" in marks else fcntl.LOCK_SH}
    if group_of(name) != WORKSPACES:
        taken["testbed"] = fcntl.LOCK_EX if "isolates" in marks else fcntl.LOCK_SH
    return taken
