"""The loader of data files: YAML or TOML, checked against a JSON Schema or a type, with the line of each field."""

from __future__ import annotations

import difflib
import json
import re
import tomllib
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import jsonschema
import msgspec
import yaml
from jsonschema.exceptions import best_match

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    Field = tuple[str | int, ...]

Value = TypeVar("Value")

UNKNOWN = "is unknown"
DATE = "tag:yaml.org,2002:timestamp"


class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc] # libyaml is ten times as fast
    """A loader that leaves dates as text, because JSON Schema has no dates."""

    yaml_implicit_resolvers: ClassVar = {
        first: [(tag, pattern) for tag, pattern in rows if tag != DATE]
        for first, rows in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


class BadFileError(ValueError):
    """A data file cannot be read or breaks a rule; the message names file, line, field and what is allowed.

    Attributes:
        field: keys and indexes that lead to the field; () for the whole file.
    """

    def __init__(self, message: str, path: Field = ()) -> None:
        super().__init__(message)
        self.field = path


@dataclass(frozen=True)
class Document:
    """The contents of a data file.

    Attributes:
        where: the file's name, for messages.
        data: its contents.
        lines: line (from 1) by field; of TOML arrays the line where the array begins.
    """

    where: str
    data: Any
    lines: Mapping[tuple[str, ...], int] = field(default_factory=dict, repr=False)

    def line(self, path: Iterable[str | int]) -> int:
        """The line (from 1) of a field; for a field that is absent, the line of the nearest one around it."""
        parts = tuple(map(str, path))
        while parts and parts not in self.lines:
            parts = parts[:-1]
        return self.lines.get(parts, 1)

    def bad(self, path: Field, rule: str) -> BadFileError:
        """The error of a field that breaks a rule, to be raised by the caller.

        Args:
            path: keys and indexes that lead to the field.
            rule: what is wrong and what is allowed, without a full stop.
        """
        name = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")
        return BadFileError(f"{self.where}, line {self.line(path)}, {name or 'the whole file'}: {rule}.", path)

    def to(self, kind: type[Value]) -> Value:
        """The contents as a type, for a file that its schema has accepted.

        Raises:
            BadFileError: the contents do not fit the type; the message has the field as msgspec names it.
        """
        try:
            return msgspec.convert(self.data, kind)
        except msgspec.ValidationError as error:
            raise self.bad((), str(error)) from error


def read(source: Path | str, kind: type[Value], where: str = "") -> Value:
    """Read a data file as a type of msgspec, which is its schema as well.

    Args:
        source: a file, or a text. Names that end in .toml are TOML, all others are YAML.
        kind: a Struct, or a collection of Structs.
        where: the name in messages; the file's path by default.

    Raises:
        BadFileError: it cannot be read, is malformed, has a key twice or does not fit the type.
    """
    return load(source, msgspec.json.schema(kind), where).to(kind)


def load(source: Path | str, schema: Path | Mapping[str, Any] | None = None, where: str = "") -> Document:
    """Read a data file and validate it.

    Args:
        source: a file, or a text. Names that end in .toml are TOML, all others are YAML.
        schema: a JSON Schema, or the file that holds it; None validates nothing.
        where: the name in messages; the file's path by default.

    Raises:
        BadFileError: it cannot be read, is malformed, has a key twice or breaks the schema.
    """
    where = where or str(source)
    document = (_toml if where.endswith(".toml") else _yaml)(_text(source, where), where)
    if schema is not None:
        validator = _validator(schema) if isinstance(schema, Path) else jsonschema.Draft202012Validator(schema)
        broken = [_rule(error) for error in validator.iter_errors(document.data)]
        # Fields that a failed branch would have evaluated count as unknown too: they are named last.
        for path, rule in sorted(broken, key=lambda row: (row[1] == UNKNOWN, document.line(row[0]))):
            raise document.bad(path, rule)
    return document


def load_once(path: Path, schema: Path) -> Document:
    """Read and validate a data file, or return the result of an earlier call if the file has the same contents.

    For files that many parts of a run look up. The document is shared: callers do not change its data.

    Args:
        path: the file.
        schema: the file that holds its JSON Schema.

    Raises:
        BadFileError: as for `load`.
    """
    return _loaded(_text(path, str(path)), schema, str(path))


@lru_cache(maxsize=64)
def _loaded(text: str, schema: Path, where: str) -> Document:
    return load(text, schema, where)


def _text(source: Path | str, where: str) -> str:
    try:
        return source.read_text(encoding="utf-8") if isinstance(source, Path) else source
    except OSError as error:
        raise BadFileError(f"{where} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise BadFileError(f"{where} cannot be read: byte {error.start} is not UTF-8.") from error


@cache
def _validator(schema: Path) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(json.loads(schema.read_text()))


def _rule(error: jsonschema.ValidationError) -> tuple[Field, str]:
    """The field that breaks a schema, and the rule."""
    if error.validator in {"anyOf", "oneOf"}:
        error = best_match([error])
    path: Field = tuple(error.absolute_path)
    if error.validator == "unevaluatedProperties":
        return (*path, *_unknown_key(error)), UNKNOWN
    if error.validator == "additionalProperties":
        assert isinstance(error.schema, dict)
        key, allowed = _unknown_key(error), list(error.schema.get("properties", ()))
        return (*path, *key), UNKNOWN + _hint("".join(key), allowed) + f"; allowed: {', '.join(allowed)}"
    if error.validator == "enum":
        assert isinstance(error.schema, dict)
        allowed = [str(value) for value in error.schema["enum"]]
        return path, f"{error.instance!r} is not one of {', '.join(allowed)}" + _hint(str(error.instance), allowed)
    return path, error.message


def _unknown_key(error: jsonschema.ValidationError) -> tuple[str, ...]:
    """The first key that the schema does not allow; () where the message names none."""
    return tuple(re.findall(r"'([^']+)'", error.message)[:1])


def _hint(word: str, allowed: list[str]) -> str:
    near = difflib.get_close_matches(word, allowed, 1)
    return f" (did you mean {near[0]}?)" if near else ""


def _yaml(text: str, where: str) -> Document:
    loader = Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return Document(where, None)
        lines = {path: mark.line + 1 for path, mark in _fields(node, (), ())}
        return Document(where, loader.construct_document(node), lines)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise BadFileError(f"{where}{line}: not YAML: {getattr(error, 'problem', error)}.") from error
    finally:
        loader.dispose()


def _fields(
    node: yaml.Node, path: tuple[str, ...], around: tuple[yaml.Node, ...]
) -> Iterator[tuple[tuple[str, ...], yaml.Mark]]:
    """Every field below a node, and where it begins.

    Raises:
        YAMLError: a key is there twice, or an anchor contains itself; PyYAML accepts both.
    """
    if node in around:
        raise yaml.MarkedYAMLError(problem="an anchor contains itself", problem_mark=node.start_mark)
    around = (*around, node)
    if isinstance(node, yaml.MappingNode):
        keys = set()
        for key, value in node.value:
            if (name := str(key.value)) in keys:
                raise yaml.MarkedYAMLError(problem=f"the key {name} appears twice", problem_mark=key.start_mark)
            keys.add(name)
            yield (*path, name), key.start_mark
            yield from _fields(value, (*path, name), around)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield (*path, str(index)), value.start_mark
            yield from _fields(value, (*path, str(index)), around)


def _toml(text: str, where: str) -> Document:
    try:
        return Document(where, tomllib.loads(text), dict(_statements(text)))
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"\(at line (\d+), column \d+\)$", str(error))
        at = f", line {line[1]}" if line else ""
        rule = str(error).partition(" (at ")[0]
        raise BadFileError(f"{where}{at}: not TOML: {rule}.") from error


def _statements(text: str) -> Iterator[tuple[tuple[str, ...], int]]:
    """Every table and key of a valid TOML text with the line (from 1) of the statement that defines it."""
    table: tuple[str, ...] = ()
    counts: dict[tuple[str, ...], int] = {}
    pending, begin = "", 1
    for number, line in enumerate(text.split("\n"), 1):
        begin = begin if pending else number
        pending += line + "\n"
        try:
            data = tomllib.loads(pending)
        except tomllib.TOMLDecodeError:
            continue  # the statement goes on in the next line
        if pending.lstrip().startswith("["):
            table = _heading(data, counts)
            yield table, begin
        else:
            for path in _keys(data):
                yield (*table, *path), begin
        pending = ""


def _heading(data: object, counts: dict[tuple[str, ...], int]) -> tuple[str, ...]:
    """The path of a table's heading; an array of tables counts its elements."""
    path: tuple[str, ...] = ()
    while data:
        if isinstance(data, list):
            counts[path] = counts.get(path, -1) + 1
            data, path = data[0], (*path, str(counts[path]))
        else:
            assert isinstance(data, dict)
            ((key, data),) = data.items()
            path = (*path, key)
            if isinstance(data, dict) and data and path in counts:
                path = (*path, str(counts[path]))  # a table of the array's last element
    return path


def _keys(data: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    for key, value in data.items():
        yield (key,)
        if isinstance(value, dict):
            yield from ((key, *path) for path in _keys(value))
