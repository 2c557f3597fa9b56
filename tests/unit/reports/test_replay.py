"""The command that repeats a failure, and the name of a run's folder."""

from __future__ import annotations

import datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from msgspec import Raw

import fixtures.plugin
from fixtures import typed_json
from fixtures.cnis import catalogue
from fixtures.testbed.testbed import ATTACHMENT, SavedTestbed
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
def test_the_command_has_the_seed_that_was_drawn(given: list[str]) -> None:
    """Whatever the original options were, the command has the run's seed, once, and the requirements."""
    run = replay.Run([*GIVEN, *given, "--nodes", "2"], seed=41, shuffle=None)
    expected = "./noxw -s certify -- --cluster lab --nodes 2 --seed 41 --only G02\n"
    assert replay.commands(run, "G02") == expected


def test_after_a_shuffled_run_the_command_has_the_order_too() -> None:
    """The first command repeats the requirement, the second one the whole run in the same order."""
    run = replay.Run([*GIVEN, "--shuffle", "--cni", "./my cni", "--only", "D64,D18"], seed=41, shuffle=9)
    line = "./noxw -s certify -- --cluster lab --cni './my cni' --seed 41 --shuffle 9"
    assert replay.commands(run, "D64").splitlines() == [
        f"{line} --only D64",
        "# With everything that ran before it:",
        line.replace(" --seed", " --only D64,D18 --seed"),
    ]


@pytest.mark.parametrize(
    ("given", "ids", "expected"),
    [
        (["-qq", "-rN", "suites/datapath", "--only", "D01,D02"], "", "certify -- --only D01,D02 --seed 41"),
        (["suites/datapath", "--only", "D01,D02"], "D02", "certify -- --seed 41 --only D02"),
        (["suites/chaos", "--cni", "bridge"], "F01", "chaos -- --cni bridge --seed 41 --only F01"),
        (["suites/migration", "--migrate-to", "bridge"], "K10,D01", "migrate -- … --seed 41 --only K09,K10,D01"),
        (["suites/generated/test_replay.py", "--replay", "a.yaml"], "", "replay -- a.yaml --seed 41"),
    ],
)
def test_the_command_in_one_line_is_one_of_the_session(given: list[str], ids: str, expected: str) -> None:
    """Without ids it repeats the whole run, with --only as given; it keeps the session and what this needs."""
    command = replay.command(replay.Run(given, seed=41, shuffle=None), ids)
    assert command == f"./noxw -s {expected.replace('…', '--migrate-to bridge')}"


def config_of(**options: object) -> pytest.Config:
    """Return a configuration with these options and the hook that names the plugin under test."""
    config = SimpleNamespace(option=SimpleNamespace(**options))
    config.hook = SimpleNamespace(pytest_netproof_plugin=fixtures.plugin.pytest_netproof_plugin)
    return cast("pytest.Config", config)


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"attach": None, "cluster": "lab", "cni": "flannel:vxlan"}, "flannel-vxlan"),
        ({"attach": None, "cluster": "lab", "cni": "./my-cni:plain"}, "my-cni-plain"),
        ({"cluster": None, "attach": "lab", "cni": "flannel:vxlan"}, "bridge-static"),
        (
            {"cluster": None, "attach": "nowhere", "cni": "flannel:vxlan"},
            "flannel-vxlan",
        ),  # rejected later
    ],
)
def test_the_folder_is_named_after_the_plugin_under_test(tmp_path: Path, options: dict[str, Any], name: str) -> None:
    """With --attach it is the plugin of the open lab, not the default of --cni."""
    (tmp_path / "lab").mkdir()
    saved = SavedTestbed("lab", Raw(b"{}"), catalogue.find("bridge").choice, (), (), (), {}, None, (), None)
    (tmp_path / "lab" / ATTACHMENT).write_text(typed_json.encode(saved))
    if options["attach"]:
        options = {**options, "attach": str(tmp_path / options["attach"])}
    now = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)
    assert plugin.folder_of(config_of(**options), now) == f"20260102T030405.000Z-{name}"


@pytest.mark.parametrize(
    ("given", "scope"),
    [
        ([], {"session": "certify"}),
        (["--kubeconfig", "F", "-n", "2"], {"session": "certify"}),
        (["--only=D01", "-kdns"], {"session": "certify", "narrowed_by": ["--only", "-k"]}),
        (["suites/egress/test_outside.py::test_x"], {"session": "certify", "narrowed_by": ["FILE"]}),
        (["suites/chaos", "--only", "F01"], {"session": "chaos", "narrowed_by": ["--only"]}),
        (["suites/generated/test_replay.py", "--replay", "x.yaml"], {"session": "replay"}),
    ],
)
def test_a_run_states_which_cases_it_was_to_have(given: list[str], scope: dict[str, Any]) -> None:
    """Programs can tell a whole run from one that left out cases."""
    assert replay.scope(replay.Run([*GIVEN, *given], seed=41, shuffle=None)) == scope
