"""One loader reads all data files, and the fields of their types are the keys that their schemas allow."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from fixtures import paths
from fixtures.binaries import catalogue as binaries
from fixtures.cnis import catalogue, claims, matrix
from policies import cases, datafile
from policies.datafile import BadFileError
from reports import differences, known
from tests.catalogue import cited
from tests.differential import gaps
from tests.lab import breaks
from tests.sensitivity import catalogue as mutants

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PAIRS: dict[str, tuple[type[msgspec.Struct], Path, tuple[str, ...]]] = {
    "cni.toml": (catalogue.CniFile, catalogue.SCHEMA_FILE, ()),
    "variants of cni.toml": (
        catalogue.VariantRow,
        catalogue.SCHEMA_FILE,
        ("properties", "variants", "additionalProperties"),
    ),
    "agents of cni.toml": (
        catalogue.AgentRow,
        catalogue.SCHEMA_FILE,
        ("properties", "agents", "additionalProperties"),
    ),
    "config_maps of cni.toml": (
        catalogue.ConfigMapRow,
        catalogue.SCHEMA_FILE,
        ("properties", "config_maps", "additionalProperties"),
    ),
    "claims.yaml": (claims.Claim, claims.SCHEMA, ("items",)),
    "known.yaml": (known.Divergence, known.SCHEMA, ("items",)),
    "differences.yaml": (
        differences.Difference,
        differences.KNOWN_DIFFERENCES.with_suffix(".schema.json"),
        ("items",),
    ),
}


@pytest.mark.parametrize("name", list(PAIRS))
def test_a_type_has_the_fields_of_its_schema(name: str) -> None:
    """A field that only one of the two has would be refused after the schema allowed it, or never be read."""
    kind, path, keys = PAIRS[name]
    schema: Mapping[str, Any] = json.loads(path.read_text())
    for key in keys:
        schema = schema[key]
    fields = msgspec.structs.fields(kind)
    assert {field.name for field in fields} == schema["properties"].keys()
    assert {field.name for field in fields if field.required} == set(schema.get("required", ()))


def test_every_table_fits_its_type() -> None:
    """Each table can be read, and has rows."""
    assert all((matrix.rows(), binaries.modules(), breaks.load(), mutants.load(), mutants.bugs(), gaps.known_gaps()))
    assert all((cases.aliases(), cited.by_tests()))


def test_a_wrong_field_of_a_break_is_named_with_its_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A misspelt key is an error, so that no part of a break is ignored."""
    table = tmp_path / "breaks.yaml"
    table.write_text(breaks.TABLE.read_text().replace("  heal:", "  heel:", 1))
    monkeypatch.setattr(breaks, "TABLE", table)
    with pytest.raises(BadFileError, match=r"tests/lab/breaks.yaml, line \d+, \[0\].*(heel|heal)"):
        breaks.load()


def test_no_other_module_parses_data_files() -> None:
    """Only the loader parses TOML; other modules parse YAML of Kubernetes and files that netproof has written."""
    parsers = {
        "fixtures/kube/client.py": "manifests",
        "fixtures/kube/config.py": "kubeconfigs",
        "policies/datafile.py": "the loader",
    }
    found = {
        str(path.relative_to(paths.ROOT))
        for folder in ("policies", "fixtures", "suites", "reports", "tests/catalogue", "tests/sensitivity")
        for path in (paths.ROOT / folder).rglob("*.py")
        if any(word in path.read_text() for word in ("yaml.safe_load", "yaml.SafeLoader", "tomllib."))
    }
    assert found == parsers.keys()
    assert datafile.load("a: 1\n", None, "a.yaml").data == {"a": 1}
