"""The loader of data files: contents, lines, and errors that name file, line, field and what is allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec import Struct

from policies import datafile
from policies.datafile import BadFileError

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "kind": {"enum": ["vxlan", "host-gw"]},
        "size": {"oneOf": [{"type": "integer"}, {"type": "array", "items": {"type": "integer"}}]},
        "rows": {"type": "array", "items": {"$ref": "#/$defs/row"}},
    },
    "$defs": {
        "row": {
            "allOf": [{"properties": {"name": {"type": "string"}}}],
            "properties": {"port": {"type": "integer"}},
            "unevaluatedProperties": False,
        }
    },
}

YAML = """\
kind: vxlan
rows:
  - name: a
    port:
      80
  - {name: b,
     port: 81}
"""

TOML = '''\
kind = "vxlan"
text = """
[rows]
kind = 3
"""

[variants."a.b"]
values = { one = "1",  two = "2" }
#
list = [
  "x",
]
[variants.c.deep]
dotted.key = 1
[[rows]]
name = "a"
[[rows]]
name = "b"
[rows.more]
port = 1
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ((), 1),
        (("kind",), 1),
        (("rows",), 2),
        (("rows", 0), 3),
        (("rows", 0, "port"), 4),
        (("rows", 1), 6),
        (("rows", 1, "port"), 7),
        (("rows", 1, "absent"), 6),
    ],
)
def test_lines_of_yaml(path: tuple[str | int, ...], line: int) -> None:
    """Each field has the line of its key or of its list element; an absent one that of the field around it."""
    assert datafile.load(YAML, SCHEMA, "a.yaml").line(path) == line


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("kind",), 1),
        (("text",), 2),
        (("variants", "a.b"), 7),
        (("variants", "a.b", "values", "two"), 8),
        (("variants", "a.b", "list", 0), 10),
        (("variants", "c", "deep", "dotted", "key"), 14),
        (("rows", 0), 15),
        (("rows", 0, "name"), 16),
        (("rows", 1, "name"), 18),
        (("rows", 1, "more", "port"), 20),
    ],
)
def test_lines_of_toml(path: tuple[str | int, ...], line: int) -> None:
    """Each key has the line of its statement, in tables, arrays of tables and beside texts that look like tables."""
    assert datafile.load(TOML, None, "a.toml").line(path) == line


@pytest.mark.parametrize(
    ("text", "name", "message"),
    [
        (
            "kind: vxlam\n",
            "a.yaml",
            "a.yaml, line 1, kind: 'vxlam' is not one of vxlan, host-gw (did you mean vxlan?).",
        ),
        ("\nknd: 1\n", "a.yaml", "a.yaml, line 2, knd: is unknown (did you mean kind?); allowed: kind, size, rows."),
        ("knd = 1\n", "a.toml", "a.toml, line 1, knd: is unknown (did you mean kind?); allowed: kind, size, rows."),
        ("size: [1, x]\n", "a.yaml", "a.yaml, line 1, size[1]: 'x' is not of type 'integer'."),
        ("rows: [{prt: 1}]\n", "a.yaml", "a.yaml, line 1, rows[0].prt: is unknown"),
        ("rows: [{name: 1}]\n", "a.yaml", "a.yaml, line 1, rows[0].name: 1 is not of type 'string'."),
        ("kind: vxlan\nkind: vxlan\n", "a.yaml", "a.yaml, line 2: not YAML: the key kind appears twice."),
        ("kind = 1\nkind = 2\n", "a.toml", "a.toml, line 2: not TOML: "),
        ("kind: [\n", "a.yaml", "a.yaml, line 2: not YAML: "),
        ("kind: 1\n---\nkind: 1\n", "a.yaml", "a.yaml, line 2: not YAML: but found another document."),
        ("rows: &a [*a]\n", "a.yaml", "a.yaml, line 1: not YAML: an anchor contains itself."),
        ("", "a.yaml", "a.yaml, line 1, the whole file: None is not of type 'object'."),
        ("- 1\n", "a.yaml", "a.yaml, line 1, the whole file: [1] is not of type 'object'."),
    ],
)
def test_a_broken_file_gives_file_line_field_and_rule(text: str, name: str, message: str) -> None:
    """The message says where the file is wrong and what is allowed there."""
    with pytest.raises(BadFileError) as raised:
        datafile.load(text, SCHEMA, name)
    assert str(raised.value).startswith(message)


class Row(Struct, frozen=True, forbid_unknown_fields=True):
    """A row of a file that has no schema beside its type."""

    names: tuple[str, ...]
    port: int = 80


def test_a_type_is_the_schema_of_a_file() -> None:
    """Rows become values of the type, with its defaults."""
    assert datafile.read("a: {names: [x, y]}\n", dict[str, Row], "a.yaml") == {"a": Row(("x", "y"), 80)}
    assert datafile.read("[a]\nnames = []\nport = 1\n", dict[str, Row], "a.toml") == {"a": Row((), 1)}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a:\n  names: [1]\n", "a.yaml, line 2, a.names[0]: 1 is not of type 'string'."),
        ("a:\n  port: 1\n", "a.yaml, line 1, a: 'names' is a required property."),
        (
            "a:\n  names: []\n  prt: 1\n",
            "a.yaml, line 3, a.prt: is unknown (did you mean port?); allowed: names, port.",
        ),
        ("a: 1\n", "a.yaml, line 1, a: 1 is not of type 'object'."),
    ],
)
def test_what_does_not_fit_the_type_gives_file_line_and_field(text: str, message: str) -> None:
    """A wrong field is named like one that breaks a schema."""
    with pytest.raises(BadFileError) as raised:
        datafile.read(text, dict[str, Row], "a.yaml")
    assert str(raised.value) == message


def test_a_schema_that_allows_more_than_the_type_gives_a_message() -> None:
    """A field that the type lacks ends in the same kind of error, without a line of its own."""
    document = datafile.load("names: []\nmore: 1\n", {"type": "object"}, "a.yaml")
    with pytest.raises(BadFileError, match=r"a.yaml, line 1, the whole file: Object contains unknown field `more`"):
        document.to(Row)


@pytest.mark.parametrize("contents", [None, b"kind: \xff\n"])
def test_an_unreadable_file_is_named(contents: bytes | None, tmp_path: Path) -> None:
    """A file that is absent or not UTF-8 gives a message with its path."""
    path = tmp_path / "a.yaml"
    if contents is not None:
        path.write_bytes(contents)
    with pytest.raises(BadFileError, match=r"a\.yaml cannot be read: "):
        datafile.load(path)


def test_a_file_is_read_once_until_it_changes(tmp_path: Path) -> None:
    """The same document is shared; new contents are read and validated, also after contents that are wrong."""
    schema, path = tmp_path / "schema.json", tmp_path / "row.toml"
    schema.write_text('{"properties": {"size": {"type": "integer"}}}')
    path.write_text("size = 1\n")
    first = datafile.load_once(path, schema)
    assert datafile.load_once(path, schema) is first
    path.write_text('\nsize = "2"\n')
    for _ in range(2):
        with pytest.raises(BadFileError, match=r"row.toml, line 2, size: '2' is not of type 'integer'"):
            datafile.load_once(path, schema)
    path.write_text("size = 2\n")
    assert datafile.load_once(path, schema).data == {"size": 2}
