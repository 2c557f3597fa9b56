"""`nox -s compare` on the command line: tables, the page, many runs, and wrong use."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

from reports import compare
from tests.support.compared_runs import changed, run, without_tunnel

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def saved(folder: Path, **documents: dict[str, Any]) -> list[str]:
    """Write runs into a folder and return the paths of their folders."""
    for name, content in documents.items():
        (folder / name).mkdir()
        (folder / name / "verdict.json").write_text(json.dumps(content))
    return [str(folder / name) for name in documents]


def test_the_command_prints_tables_and_writes_the_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the terminal, too, what matters most is first; the page is beside the runs."""
    monkeypatch.setenv("COLUMNS", "160")
    assert compare.main(saved(tmp_path, tunnel=run(), routes=without_tunnel())) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "What changes from flannel:vxlan to flannel:host-gw?"
    assert lines.index("What matters most:") < next(n for n, line in enumerate(lines) if "MTU of pods" in line)
    assert lines[-1] == f"page: {tmp_path / 'compare.html'}"
    assert "Encapsulation" in (tmp_path / "compare.html").read_text()


def test_runs_without_a_verdict_are_listed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A matrix of runs has one comparison, with the reasons of the runs that ended before they had a verdict."""
    monkeypatch.setattr("sys.stdin", io.StringIO("ipip: no such link\n"))
    assert compare.main(["-", *saved(tmp_path, one=run())]) == 0
    assert "ipip: no such link" in capsys.readouterr().out
    assert "ipip: no such link" in (tmp_path / "compare.html").read_text()
    monkeypatch.setattr("sys.stdin", io.StringIO("ipip: no such link\n"))
    assert compare.main(["-"]) == 0
    assert "no such link" in capsys.readouterr().out


def test_many_runs_have_narrow_columns(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A matrix fits the terminal: a sign for each verdict, and a number for each run, which a list explains."""
    monkeypatch.setenv("COLUMNS", "80")
    runs = {f"row{number}": changed(run(), **({"D01": "failed"} if number == 3 else {})) for number in range(1, 9)}
    assert compare.main(saved(tmp_path, **runs)) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "  3  row3  passed" in lines
    assert any(line.split()[:9] == ["D01", ".", ".", "X", ".", ".", ".", ".", "."] for line in lines)
    assert max(map(len, lines[:-1])) < 200


def test_one_run_alone_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A comparison needs two, or a baseline."""
    assert compare.main(saved(tmp_path, one=run())) == 2
    assert "give two runs" in capsys.readouterr().err
