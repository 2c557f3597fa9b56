"""When a case runs: in an order drawn from a seed where one is asked for, and alone where it disturbs others."""

from __future__ import annotations

import fcntl
import hashlib
import random
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from xdist.scheduler import LoadGroupScheduling

if TYPE_CHECKING:
    from collections.abc import Generator

DRAWN = -1  # --shuffle without a seed
SHUFFLE = "netproof shuffle"  # what a worker of xdist is told under this name
TOGETHER = {  # cases of these places share something that one process makes; `stages` marks them
    "suites/generated/": "workspaces",
    "suites/networkpolicy/test_corpus.py::": "workspaces",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option of the order."""
    parser.getgroup("netproof order").addoption(
        "--shuffle",
        nargs="?",
        type=int,
        const=DRAWN,
        metavar="SEED",
        help="run the cases in an order drawn from this seed (without SEED: from a new one, which is shown)",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Draw the seed; a worker of xdist takes that of the controller."""
    if hasattr(config, "workerinput"):
        config.option.shuffle = config.workerinput[SHUFFLE]
    if config.option.shuffle == DRAWN:
        config.option.shuffle = random.SystemRandom().randrange(2**31)
    if config.option.shuffle is not None:
        if getattr(config.option, "migrate_to", None):
            raise pytest.UsageError("--shuffle and --migrate-to: a migration is one story; leave out --shuffle.")
        config.option.loadscopereorder = False  # xdist would take large groups first


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:  # noqa: ANN401 - xdist has no types
    """Tell a worker of xdist the seed: it reads the command line only."""
    node.workerinput[SHUFFLE] = node.config.option.shuffle


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:  # noqa: ANN401 - xdist has no types
    """Hand out cases that share something as one piece; xdist's own way to say so does nothing with pytest 9.2."""
    return Together(config, log) if config.getoption("dist") == "loadgroup" else None


class Together(LoadGroupScheduling):  # type: ignore[misc] # xdist has no types
    """Hands out cases one by one, and those of a group to one worker, in their order."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid) or nodeid


def group_of(name: str) -> str:
    """The group of a case by its node id; "" for one that stands by itself."""
    return next((group for start, group in TOGETHER.items() if name.startswith(start)), "")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Show the seed, in the process that shows anything."""
    terminal = session.config.pluginmanager.getplugin("terminalreporter")
    if terminal is not None and session.config.option.shuffle is not None:
        terminal.write_line(f"order of the cases: --shuffle {session.config.option.shuffle}")


def place(name: str, seed: int) -> bytes:
    """Where a case stands in the order of a seed: a key to sort by.

    It does not depend on which other cases there are, so that some cases of a run keep the order they have in all of
    it, in every process.

    Args:
        name: the case's node id.
        seed: of the order.
    """
    return hashlib.sha256(f"{seed} {name}".encode()).digest()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Order what was chosen; pytest has to see it after everybody who chooses."""
    if (seed := config.option.shuffle) is not None:
        items.sort(key=lambda item: place(item.nodeid, seed))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Keep cases of other workers away from one that disturbs them, from its first fixture to its last."""
    if item.get_closest_marker("requirement") is None:
        return (yield)  # a test of netproof itself
    disturbing = item.get_closest_marker("disturbs") is not None
    with (Path(item.config.option.out) / "disturbing.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX if disturbing else fcntl.LOCK_SH)
        return (yield)
