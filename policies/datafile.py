"""YAML with line numbers: where in a text a field is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterable


class BadFileError(ValueError):
    """A file holds what it may not; the message names file, line, field and rule."""


@dataclass(frozen=True)
class Document:
    """A YAML document.

    Attributes:
        where: the file's name, for messages.
        data: its contents.
        node: its syntax tree.
    """

    where: str
    data: Any
    node: yaml.Node | None

    def line(self, path: Iterable[str | int]) -> int:
        """The line (from 1) of a field; that of the nearest field around it where it is not written."""
        node, line = self.node, 1
        for part in path:
            if node is not None:
                node = _child(node, part)
            if node is None:
                return line
            line = node.start_mark.line + 1
        return line

    def bad(self, path: tuple[str | int, ...], rule: str) -> BadFileError:
        """The error of a field that breaks a rule."""
        field = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")
        return BadFileError(f"{self.where}, line {self.line(path)}, {field or 'the whole file'}: {rule}.")


def _child(node: yaml.Node, part: str | int) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == str(part)), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        item: yaml.Node = node.value[part]
        return item
    return None


def parse(text: str, where: str) -> Document:
    """A text as a document.

    Raises:
        BadFileError: it is not YAML; the message names the line.
    """
    try:
        return Document(where, yaml.safe_load(text), yaml.compose(text, Loader=yaml.SafeLoader))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise BadFileError(f"{where}{line}: not YAML: {getattr(error, 'problem', error)}.") from error
