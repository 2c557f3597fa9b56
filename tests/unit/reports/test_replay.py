"""The command that repeats a failure, and what the folder of a run is called."""

from __future__ import annotations

import datetime
import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

import fixtures.plugin
from fixtures.cnis import catalogue
from reports import plugin, replay

if TYPE_CHECKING:
    from pathlib import Path

GIVEN = ["-q", "--no-header", "--tb=short", "-p", "no:cacheprovider", "suites/datapath", "--cluster", "lab"]


@pytest.mark.parametrize(
    "given",
    [
        [],
        ["--seed", "3", "--only", "D01,D02", "--out", "somewhere"],
        ["--seed=3", "--only=D01", "--out=somewhere", "--shuffle=9"],
        ["--shuffle", "--out", "somewhere"],
        ["--shuffle", "9"],
    ],
    ids=" ".join,
)
def test_the_command_carries_the_seed_that_was_drawn(given: list[str]) -> None:
    """Whatever was given, the repetition names the seed that the run had, once, and the requirements."""
    run = replay.Run([*GIVEN, *given, "--nodes", "2"], seed=41, shuffle=None)
    wanted = "./noxw -s certify -- --cluster lab --nodes 2 --seed 41 --only G02\n"
    assert replay.commands("certify", run, "G02") == wanted


def test_after_a_shuffled_run_it_carries_the_order_too() -> None:
    """One command repeats the case, another one everything in the order in which it failed."""
    run = replay.Run([*GIVEN, "--shuffle", "--cni", "./my cni"], seed=41, shuffle=9)
    line = "./noxw -s certify -- --cluster lab --cni './my cni' --seed 41 --shuffle 9"
    assert replay.commands("certify", run, "D64").splitlines() == [
        f"{line} --only D64",
        "# With everything that ran before it:",
        line,
    ]


def config_of(**options: object) -> pytest.Config:
    """A configuration with these options, and the hook that says which plugin it is about."""
    config = SimpleNamespace(option=SimpleNamespace(**options))
    config.hook = SimpleNamespace(pytest_netproof_plugin=fixtures.plugin.pytest_netproof_plugin)
    return cast("pytest.Config", config)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"attach": None, "cluster": "lab", "cni": "flannel:vxlan"}, "flannel-vxlan"),
        ({"attach": None, "cluster": "lab", "cni": "./my-cni:plain"}, "my-cni-plain"),
        ({"cluster": None, "attach": "lab", "cni": "flannel:vxlan"}, "bridge-static"),
        ({"cluster": None, "attach": "nowhere", "cni": "flannel:vxlan"}, "flannel-vxlan"),  # such a run is refused
    ],
)
def test_the_folder_is_called_after_the_plugin_under_test(tmp_path: Path, options: dict[str, Any], named: str) -> None:
    """With --attach that is the plugin of the open lab, not the default of --cni."""
    (tmp_path / "lab").mkdir()
    (tmp_path / "lab" / "testbed.json").write_text(json.dumps({"cni": catalogue.find("bridge").choice}))
    if options["attach"]:
        options = {**options, "attach": str(tmp_path / options["attach"])}
    now = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)
    assert plugin.folder_of(config_of(**options), now) == f"20260102T030405Z-{named}"
