"""Rules for the files of the repository: sizes, docstrings, ids, imports, names."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from typing import TYPE_CHECKING

import pytest

import fixtures
from fixtures import paths
from fixtures.binaries import catalogue as binaries
from fixtures.cnis import audits, catalogue, claims
from fixtures.faults import catalogue as faults
from policies import ambiguities, requirements
from policies import cases as policy_cases
from reports import known

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LONGEST_FUNCTION = 50
LONGEST_MODULE = 400
LONGEST_CASE = 12  # statements
# Modules that run elsewhere: in pods, where they are top-level, and in environments with an analyzer or Selenium.
OTHER_ENVIRONMENTS = ("fixtures/probes/agent", "tests/differential/ask.py", "tests/browser")
FOLDERS = ("policies", "fixtures", "suites", "reports", "tests")


def tracked(ending: str) -> list[Path]:
    """The files that git tracks or would add and whose names have an ending."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", f"*{ending}"]
    listed = subprocess.run(command, cwd=paths.ROOT, capture_output=True, text=True, check=True).stdout
    return [paths.ROOT / name for name in listed.split() if (paths.ROOT / name).exists()]


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function of a module."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def own(folder: Path) -> tuple[Path, ...]:
    """The file of a plugin's own requirements; () if its folder has none."""
    return tuple(path for path in [folder / "requirements.yaml"] if path.is_file())


def plugin_of(path: Path) -> Path | None:
    """The folder of the plugin that has a case; None for a case of the suites."""
    folder = path.parent.parent
    return folder if folder.parent == catalogue.FOLDER and path.parent.name in {"cases", "chaos"} else None


def cases() -> Iterator[tuple[Path, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Every case of the suites and of plugins, with its file."""
    for path in tracked(".py"):
        if path.is_relative_to(paths.ROOT / "suites") or plugin_of(path):
            yield from ((path, node) for node in functions(path) if node.name.startswith("test_"))


def cited(node: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    """The ids of the requirements that a case's decorators cite."""
    return {
        argument.value
        for decorator in node.decorator_list
        if isinstance(decorator, ast.Call) and isinstance(decorator.func, ast.Name)
        if decorator.func.id == "requirement"
        for argument in decorator.args
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    }


def test_the_imported_fixtures_package_is_that_of_the_repository() -> None:
    """A distribution with the name `fixtures`, which PyPI has, is not imported in its place."""
    assert fixtures.__file__ == str(paths.ROOT / "fixtures" / "__init__.py")


def test_modules_and_functions_stay_small() -> None:
    """No module has more than 400 lines, and no function more than 50."""
    long = [
        f"{path}: {n} lines" for path in tracked(".py") if (n := len(path.read_text().splitlines())) > LONGEST_MODULE
    ]
    for path in tracked(".py"):
        for node in functions(path):
            length = (node.end_lineno or 0) - node.lineno + 1
            if length > LONGEST_FUNCTION:
                long.append(f"{path}: {node.name} has {length} lines")
    assert not long


def test_every_case_cites_requirements_that_exist() -> None:
    """The verdict of a case without a known requirement would count for nothing; data files cite their own."""
    wrong = []
    for path, node in cases():
        folder = plugin_of(path)
        known = requirements.load(own(folder) if folder else ()).keys()
        by_data = path.name in {"test_faults.py", "test_corpus.py", "test_control_plane.py"}
        if not by_data and (not cited(node) or cited(node) - known):
            wrong.append(f"{path.name}::{node.name}")
    assert not wrong


def test_every_requirement_has_a_case() -> None:
    """Cases of the suites check the general requirements, and a plugin's cases check those of its folder."""
    by_data = (faults.load(), *(case.requirements for case in policy_cases.corpus()))
    checked = set().union(*(cited(node) for path, node in cases() if not plugin_of(path)), *by_data)
    assert requirements.load().keys() == checked
    for folder in sorted(path.parent for path in catalogue.FOLDER.glob("*/requirements.yaml")):
        checked = set().union(*(cited(node) for path, node in cases() if plugin_of(path) == folder))
        assert requirements.load(own(folder)).keys() - requirements.load().keys() == checked


def test_every_requirement_has_a_consequence() -> None:
    """Each states, itself or for its file, what a violation means for users."""
    folders = sorted(path.parent for path in catalogue.FOLDER.glob("*/requirements.yaml"))
    rows = [row for folder in folders for row in requirements.load(own(folder)).values()]
    assert [row.id for row in rows if not row.consequence] == []


def test_claims_cite_requirements_that_exist() -> None:
    """Every claim about a plugin cites requirements that are checked in runs with the plugin."""
    for folder in sorted(path.parent for path in catalogue.FOLDER.glob("*/claims.yaml")):
        known = requirements.load(own(folder))
        assert not [row.claim for row in claims.load(folder) if set(row.requirements) - known.keys()]


def test_known_divergences_of_plugins_are_valid() -> None:
    """Every known.yaml cites requirements and variants that exist."""
    for folder in sorted(path.parent for path in catalogue.FOLDER.glob("*/known.yaml")):
        variants = catalogue.read(folder / "cni.toml").variants
        ids = requirements.load(own(folder)).keys()
        assert known.load([known.Owner(folder, "", variants)], None, ids)


def test_cases_read_as_sentences() -> None:
    """Each case has a docstring that is a sentence in the present tense, and a short body."""
    wrong = []
    for path, node in cases():
        doc = ast.get_docstring(node) or ""
        if not doc.endswith(".") or re.search(r"\b(should|test that)\b", doc, re.IGNORECASE):
            wrong.append(f"{path.name}::{node.name}: docstring {doc!r}")
        if len(node.body) - 1 > LONGEST_CASE:
            wrong.append(f"{path.name}::{node.name}: {len(node.body)} statements")
    assert not wrong


def test_cases_contain_no_assertions() -> None:
    """A failed case raises Refuted: an AssertionError would be an error of netproof, not a failure of the plugin."""
    bare = [
        f"{path.relative_to(paths.ROOT)}:{node.lineno}"
        for path in tracked(".py")
        if path.is_relative_to(paths.ROOT / "suites") or plugin_of(path)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Assert) or (isinstance(node, ast.Name) and node.id == "AssertionError")
    ]
    assert not bare


def test_every_test_has_a_docstring() -> None:
    """The docstring of a test states the checked behaviour."""
    tests = [path for path in tracked(".py") if path.name.startswith("test_")]
    bare = [
        f"{p.name}::{n.name}"
        for p in tests
        for n in functions(p)
        if n.name[:5] == "test_" and not ast.get_docstring(n)
    ]
    assert not bare


@pytest.mark.parametrize("name", sorted(catalogue.known()))
def test_every_plugin_folder_is_valid(name: str) -> None:
    """cni.toml conforms to its schema, its manifests exist, and its audits check existing requirements."""
    for variant in catalogue.known()[name]:
        plugin = catalogue.find(f"{name}:{variant}")
        assert audits.load(plugin).checks.keys() <= requirements.load(own(plugin.folder)).keys()


@pytest.mark.parametrize("name", sorted(catalogue.known("policy-engine")))
def test_every_policy_engine_can_be_added_to_a_plugin(name: str) -> None:
    """Each variant of an engine has the feature network-policy and, if it declares a profile, an existing one."""
    for variant in catalogue.known("policy-engine")[name]:
        engine = catalogue.find(f"flannel:vxlan+{name}:{variant}").variant
        assert "network-policy" in engine.features
        assert engine.profile in ambiguities.PROFILES


def test_generic_code_names_no_plugin() -> None:
    """Facts about a plugin are in its folder only; each exception below has its reason."""
    excepted = {
        ("fixtures/run/options.py", "flannel"): "the default of --cni",
        ("fixtures/providers/kind.py", "flannel"): "the example in the message about --image",
        ("fixtures/clusters/machine.py", "macvlan"): "a kind of link, as `ip link` calls it",
        ("fixtures/probes/agent/capture.py", "flannel"): "an encapsulation that captures recognise by its UDP port",
        ("policies/ambiguities.py", "calico"): "a profile has the name of an engine that behaves like this",
        ("policies/ambiguities.py", "kube-router"): "a profile has the name of an engine that behaves like this",
        ("policies/vocabularies.py", "calico"): "the name of a bug in tests/sensitivity/bugs.yaml",
    }
    names = {*catalogue.known(), *catalogue.known("policy-engine")} - {
        "bridge",
        "reference",
    }  # ordinary words, too
    generic = re.compile(r"fixtures/(?!cnis/[^/]+/|binaries/).*|reports/(?!published/).*|(suites|policies)/.*")
    found = {
        (str(path.relative_to(paths.ROOT)), name)
        for ending in (".py", ".yaml", ".json")
        for path in tracked(ending)
        if generic.fullmatch(str(path.relative_to(paths.ROOT))) and "corpus" not in path.parts
        for name in names
        if re.search(rf"\b{name}" + r"|\bcali\b" * (name == "calico"), path.read_text(), re.IGNORECASE)
    }
    assert found == excepted.keys()


def test_every_program_is_pinned_with_checksums() -> None:
    """The folder of each Go module has a go.sum, and a go.mod that requires a released version."""
    for module in binaries.modules().values():
        assert (module.folder / "go.sum").stat().st_size
        assert re.fullmatch(r"v\d+\.\d+\.\d+", module.version)


@pytest.mark.skipif(shutil.which("gofmt") is None, reason="needs gofmt")
def test_go_files_are_formatted() -> None:
    """Gofmt changes none of them, and can parse all."""
    files = [str(path) for path in tracked(".go")]
    assert len(files) > 1
    done = subprocess.run(["gofmt", "-l", *files], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


def imported(path: Path) -> set[str]:
    """The top-level packages that a module imports, except those of netproof and of the standard library."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names - sys.stdlib_module_names - set(FOLDERS)


def normalized(distribution: str) -> str:
    """The normalized name of a distribution, by which packaging tools compare names."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def test_every_import_is_declared() -> None:
    """pyproject.toml names every imported distribution: none is installed only as a dependency of another one."""
    table = tomllib.loads((paths.ROOT / "pyproject.toml").read_text())
    lines = [*table["project"]["dependencies"], *table["dependency-groups"]["dev"]]
    declared = {normalized(re.split(r"[^\w.-]", line, maxsplit=1)[0]) for line in lines}
    provided = packages_distributions()
    missing = [
        f"{path.relative_to(paths.ROOT)}: {name}"
        for path in tracked(".py")
        if not any(path.is_relative_to(paths.ROOT / folder) for folder in OTHER_ENVIRONMENTS)
        for name in sorted(imported(path) - {"_typeshed"})  # exists for type checkers only
        if not declared.intersection(map(normalized, provided.get(name, ())))
    ]
    assert not missing


def test_no_file_names_a_registry_host_or_a_machine_path() -> None:
    """Committed files work on every machine and with every registry mirror."""
    hosts = ("proxy.golang" + ".org", "pythonhosted" + ".org", "registry.npmjs" + ".org", "pypi" + ".org")
    pattern = re.compile("|".join((*hosts, "/" + "root/", "/" + "work/")))
    texts = {path.relative_to(paths.ROOT): path.read_text(errors="replace") for path in tracked("") if path.is_file()}
    assert not [f"{path}: {found[0]}" for path, text in texts.items() if (found := pattern.search(text))]
