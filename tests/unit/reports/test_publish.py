"""Published runs: only whole ones, without paths of a machine, never replaced; and the table of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from reports import compare, publish, stored, unfinished, verdict_file
from reports.report import page
from tests.support.compared_runs import run, without_tunnel
from tests.support.verdicts import case, requirement

if TYPE_CHECKING:
    from pathlib import Path

AGAIN = {"run": "./noxw -s certify -- --cni flannel:vxlan --bin flanneld=/home/me/build/flanneld --seed 7"}
README = publish.HOME / "README.md"


def folder_of(tmp_path: Path, name: str, document: dict[str, Any]) -> Path:
    """A folder of a run with this verdict.json."""
    folder = tmp_path / name
    folder.mkdir()
    (folder / stored.NAME).write_text(json.dumps(document), encoding="utf-8")
    return folder


def test_a_run_is_published_without_the_paths_of_its_machine(tmp_path: Path) -> None:
    """A published run is read like any other; a program that was given by its path has the path of a reader."""
    file = publish.publish(folder_of(tmp_path, "vxlan", run(again=AGAIN)), tmp_path / "published")
    assert verdict_file.read(file.parent)["again"]["run"].split("flanneld=")[1] == "./flanneld --seed 7"
    assert stored.read(file.parent)["cni"] == verdict_file.read(file)["cni"] == "flannel:vxlan"


def test_the_same_run_makes_the_same_file(tmp_path: Path) -> None:
    """Nothing in a published file depends on when or where it was published."""
    folder = folder_of(tmp_path, "vxlan", run(again=AGAIN))
    files = [publish.publish(folder, tmp_path / home) for home in ("a", "b")]
    assert len({file.read_bytes() for file in files}) == 1


def test_a_published_run_is_not_replaced(tmp_path: Path) -> None:
    """A second run of the same name is refused, and the first one stays."""
    home = tmp_path / "published"
    file = publish.publish(folder_of(tmp_path, "vxlan", run(again=AGAIN)), home)
    before = file.read_bytes()
    with pytest.raises(publish.RefusedError, match="vxlan is published already"):
        publish.publish(tmp_path / "vxlan", home)
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"partial": True}, "not a whole run"),
        ({"narrowed_by": ["--only"]}, "not a whole run"),
        ({"verdict": "error"}, "an error of netproof"),
        ({"cluster": {"provider": "lab", "kernel": "/home/me/kernel"}}, "a file of this machine: /home/me/kernel"),
    ],
)
def test_what_nobody_could_use_is_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    """A part of a run, an error and a path of a machine are refused with a sentence, and nothing is written."""
    with pytest.raises(publish.RefusedError, match=message):
        publish.publish(folder_of(tmp_path, "vxlan", run(again=AGAIN) | changes), tmp_path / "published")
    assert not (tmp_path / "published").exists()


def test_the_table_says_what_holds_and_what_fails(tmp_path: Path) -> None:
    """A row has the MUSTs that hold, the ids that fail with their level unless it is MUST, and the command."""
    rows = [
        requirement("D01", [case("passed")]),
        requirement("D02", [case("failed")]),
        requirement("N01", [case("failed")], level="SHOULD"),
    ]
    document = run(again=AGAIN, requirements=rows, verdict="failed")
    publish.publish(folder_of(tmp_path, "vxlan", document), tmp_path)
    assert "| 1 of 2 | D02, N01 (SHOULD) | `./noxw -s certify" in publish.table(tmp_path)
    readme = publish.with_table(f"before\n{publish.BEGIN}an old row\n{publish.END}after\n", publish.table(tmp_path))
    assert readme.startswith("before\n")
    assert readme.endswith("after\n")
    assert "an old row" not in readme


def test_the_table_of_the_project_is_that_of_its_runs() -> None:
    """README.md lists the published runs as they are."""
    assert f"{publish.BEGIN}{publish.table()}{publish.END}" in README.read_text(encoding="utf-8")


def test_published_runs_can_be_read_today() -> None:
    """Each published run follows the schema, and today's templates make a page of it."""
    for name, document in publish.published():
        assert "<h1" in page.render(dict(document)), name


def test_published_runs_can_be_compared_and_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Published runs are compared like others, and a report of one is written beside it."""
    ours, theirs = (
        publish.publish(folder_of(tmp_path, name, document | {"again": AGAIN}), tmp_path / "published").parent
        for name, document in (("vxlan", run()), ("host-gw", without_tunnel()))
    )
    assert compare.main([str(ours), str(theirs)]) == 0
    assert "flannel:host-gw" in capsys.readouterr().out
    assert unfinished.main([str(ours)]) == 0
    assert (ours / page.NAME).exists()


def test_a_broken_file_is_refused(tmp_path: Path) -> None:
    """A .gz file that is no gzip, or is cut off, is named in one sentence."""
    file = publish.publish(folder_of(tmp_path, "vxlan", run(again=AGAIN)), tmp_path / "published")
    for content in (b"text", file.read_bytes()[:-20]):
        file.write_bytes(content)
        with pytest.raises(verdict_file.BadVerdictError, match="cannot be unpacked"):
            verdict_file.read(file)
