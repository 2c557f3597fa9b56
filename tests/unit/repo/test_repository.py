"""What this repository promises of itself."""

from __future__ import annotations

import ast
import re
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

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LONGEST_FUNCTION = 50
LONGEST_MODULE = 400
LONGEST_CASE = 12  # statements
# In pods, where modules are top-level, and in an environment with np-guard's analyzer.
OTHER_ENVIRONMENTS = ("fixtures/probes/agent", "tests/differential/ask.py")
FOLDERS = ("policies", "fixtures", "suites", "reports", "tests")


def tracked(ending: str) -> list[Path]:
    """The files git knows or would add, with an ending."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", f"*{ending}"]
    listed = subprocess.run(command, cwd=paths.ROOT, capture_output=True, text=True, check=True).stdout
    return [paths.ROOT / name for name in listed.split() if (paths.ROOT / name).exists()]


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function of a module."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def own(folder: Path) -> tuple[Path, ...]:
    """The requirements that lie with a plugin."""
    return tuple(path for path in [folder / "requirements.yaml"] if path.is_file())


def plugin_of(path: Path) -> Path | None:
    """The folder of the plugin that a case lies with."""
    folder = path.parent.parent
    return folder if folder.parent == catalogue.FOLDER and path.parent.name in {"cases", "chaos"} else None


def cases() -> Iterator[tuple[Path, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Every case, of the suites and of plugins."""
    for path in tracked(".py"):
        if path.is_relative_to(paths.ROOT / "suites") or plugin_of(path):
            yield from ((path, node) for node in functions(path) if node.name.startswith("test_"))


def cited(node: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    """The requirements a case's decorators name."""
    return {
        argument.value
        for decorator in node.decorator_list
        if isinstance(decorator, ast.Call) and isinstance(decorator.func, ast.Name)
        if decorator.func.id == "requirement"
        for argument in decorator.args
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    }


def test_the_fixtures_that_are_imported_are_ours() -> None:
    """A distribution of the same name on PyPI does not get in the way."""
    assert fixtures.__file__ == str(paths.ROOT / "fixtures" / "__init__.py")


def test_modules_and_functions_stay_small() -> None:
    """No module above 400 lines, no function above 50."""
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
    """A case without a requirement, or with an unknown one, answers for nothing; data files cite their own."""
    wrong = []
    for path, node in cases():
        folder = plugin_of(path)
        known = requirements.load(own(folder) if folder else ()).keys()
        by_data = path.name in {"test_faults.py", "test_corpus.py"}
        if not by_data and (not cited(node) or cited(node) - known):
            wrong.append(f"{path.name}::{node.name}")
    assert not wrong


def test_every_requirement_has_a_case() -> None:
    """A requirement nobody checks is an empty promise; a plugin's own are checked by its own cases."""
    by_data = (faults.load(), *(case.requirements for case in policy_cases.corpus()))
    checked = set().union(*(cited(node) for path, node in cases() if not plugin_of(path)), *by_data)
    assert requirements.load().keys() == checked
    for folder in sorted(path.parent for path in catalogue.FOLDER.glob("*/requirements.yaml")):
        checked = set().union(*(cited(node) for path, node in cases() if plugin_of(path) == folder))
        assert requirements.load(own(folder)).keys() - requirements.load().keys() == checked


def test_claims_rest_on_requirements_that_exist() -> None:
    """Every claim about a plugin is answered by requirements that its runs have."""
    for folder in sorted(path.parent for path in catalogue.FOLDER.glob("*/claims.yaml")):
        known = requirements.load(own(folder))
        assert not [row.claim for row in claims.load(folder) if set(row.requirements) - known.keys()]


def test_cases_read_as_sentences() -> None:
    """Each has a docstring that is a sentence in the present tense, and a short body."""
    wrong = []
    for path, node in cases():
        doc = ast.get_docstring(node) or ""
        if not doc.endswith(".") or re.search(r"\b(should|test that)\b", doc, re.IGNORECASE):
            wrong.append(f"{path.name}::{node.name}: docstring {doc!r}")
        if len(node.body) - 1 > LONGEST_CASE:
            wrong.append(f"{path.name}::{node.name}: {len(node.body)} statements")
    assert not wrong


def test_cases_fail_by_an_exception_of_their_own() -> None:
    """No module of the suites asserts: a bare AssertionError is a fault of netproof, not of the plugin."""
    bare = [
        f"{path.relative_to(paths.ROOT)}:{node.lineno}"
        for path in tracked(".py")
        if path.is_relative_to(paths.ROOT / "suites") or plugin_of(path)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Assert) or (isinstance(node, ast.Name) and node.id == "AssertionError")
    ]
    assert not bare


def test_every_test_has_a_docstring() -> None:
    """A test says what holds."""
    tests = [path for path in tracked(".py") if path.name.startswith("test_")]
    bare = [
        f"{p.name}::{n.name}"
        for p in tests
        for n in functions(p)
        if n.name[:5] == "test_" and not ast.get_docstring(n)
    ]
    assert not bare


@pytest.mark.parametrize("name", sorted(catalogue.known()))
def test_every_plugin_folder_is_sound(name: str) -> None:
    """cni.toml obeys its schema, its manifests exist, its audits answer for requirements."""
    for variant in catalogue.known()[name]:
        plugin = catalogue.find(f"{name}:{variant}")
        assert audits.load(plugin).checks.keys() <= requirements.load(own(plugin.folder)).keys()


@pytest.mark.parametrize("name", sorted(catalogue.known("policy-engine")))
def test_every_policy_engine_stands_beside_a_plugin(name: str) -> None:
    """Each variant promises network-policy and declares a profile that there is, if any."""
    for variant in catalogue.known("policy-engine")[name]:
        engine = catalogue.find(f"flannel:vxlan+{name}:{variant}").variant
        assert "network-policy" in engine.features
        assert engine.profile in ambiguities.PROFILES


def test_generic_code_names_no_plugin() -> None:
    """What is known of a plugin lies in its folder; each exception has its reason."""
    excepted = {
        ("fixtures/run/options.py", "flannel"): "the default of --cni",
        ("fixtures/providers/kind.py", "flannel"): "the example in the message about --image",
        ("fixtures/clusters/machine.py", "macvlan"): "a kind of link, as `ip link` calls it",
        ("fixtures/probes/agent/capture.py", "flannel"): "an encapsulation that captures recognise by its UDP port",
        ("policies/ambiguities.py", "calico"): "a profile is called after the engine that answers like this",
        ("policies/ambiguities.py", "kube-router"): "the same",
        ("policies/strategies.py", "calico"): "a bug of the catalogue in tests/sensitivity",
    }
    names = {*catalogue.known(), *catalogue.known("policy-engine")} - {
        "bridge",
        "reference",
    }  # these are words as well
    generic = re.compile(r"fixtures/(?!cnis/[^/]+/|binaries/).*|(suites|reports|policies)/.*")
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
    """Each module folder has go.mod and go.sum, and the version it reports is the one it requires."""
    for module in binaries.modules().values():
        assert (module.folder / "go.sum").stat().st_size
        assert re.fullmatch(r"v\d+\.\d+\.\d+", module.version)


def imported(path: Path) -> set[str]:
    """The top-level names that a module imports, those of its own package and the standard library left out."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names - sys.stdlib_module_names - set(FOLDERS)


def normalized(distribution: str) -> str:
    """The name of a distribution as packaging compares it."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def test_every_import_is_declared() -> None:
    """What a module imports from elsewhere pyproject.toml names: it does not rest on what others bring along."""
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
    """What is committed works everywhere."""
    hosts = ("proxy.golang" + ".org", "pythonhosted" + ".org", "registry.npmjs" + ".org", "pypi" + ".org")
    pattern = re.compile("|".join((*hosts, "/" + "root/", "/" + "work/")))
    texts = {path.relative_to(paths.ROOT): path.read_text(errors="replace") for path in tracked("") if path.is_file()}
    assert not [f"{path}: {found[0]}" for path, text in texts.items() if (found := pattern.search(text))]
