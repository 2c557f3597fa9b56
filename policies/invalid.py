"""The error of a policy that the API would reject."""

from __future__ import annotations


class InvalidPolicyError(ValueError):
    """A policy violates a validation rule of the API.

    Attributes:
        path: keys and indexes that lead to the field from the manifest's top.
        rule: the rule, as a message.
    """

    def __init__(self, path: tuple[str | int, ...], rule: str) -> None:
        self.path = path
        self.rule = rule
        super().__init__(f"{self.field}: {rule}")

    @property
    def field(self) -> str:
        """The field as kubectl writes it: spec.ingress[0].ports[1].endPort."""
        text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in self.path)
        return text.removeprefix(".") or "the whole document"
