"""Texts for generated labels, ports and names: families of texts that implementations confuse.

A world uses one vocabulary, so that its selectors match some of its objects: with texts of all families together, most
selectors would match nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from policies.validation import LONGEST_LABEL, LONGEST_NAME

LONG = "v" * (LONGEST_LABEL - 1)
DOMAIN = ".".join(["d" * LONGEST_LABEL] * 3 + ["d" * (LONGEST_NAME - 3 * (LONGEST_LABEL + 1))])  # 253 characters


@dataclass(frozen=True)
class Vocabulary:
    """Texts that are used together.

    Attributes:
        keys: keys of labels.
        values: values of labels.
        port_names: names of ports in policies; pods of the base world declare web and alt.
    """

    keys: tuple[str, ...]
    values: tuple[str, ...]
    port_names: tuple[str, ...] = ("web", "alt")


# Odd values that implementations mishandled (ncp-numeric-label, calico-empty-label-value), and a key that is also the
# name of a port (npm-name-hash-collision).
PLAIN = Vocabulary(("pod", "ns", "role", "web"), ("a", "b", "", "00000", "true"))
VOCABULARIES = {
    "plain": PLAIN,
    "case": Vocabulary(("pod", "Pod", "ns", "NS"), ("a", "A", "b", "x", "X")),
    "beginning": Vocabulary(("pod", "po", "pod-a", "ns"), ("a", "ab", "a-b", "a.b", "b")),
    "end": Vocabulary(("pod", "my-pod", "my.pod", "ns"), ("a", "ba", "b-a", "b", "")),
    "length": Vocabulary(("pod", f"{LONG}a", f"{LONG}b", f"{DOMAIN}/pod"), (f"{LONG}a", f"{LONG}b", LONG, "a", "b")),
    "numbers": Vocabulary(("pod", "1", "01", "ns"), ("1", "01", "1.0", "1e0", "", "true")),
    "prefixes": Vocabulary(("pod", "example.com/pod", "example.org/pod", "ns"), ("a", "b", "x", "")),
    "one-text": Vocabulary(("pod", "web", "x", "ns"), ("pod", "web", "x", "a", "y"), ("web", "alt", "x", "pod")),
}

# Names that are alike until joined, cut or split: with joints, by their beginning, of 63 and of 253 characters.
POLICY_NAMES = ("p", "q", "r", "s", "p-q", "p.q", "x-p", "p" * LONGEST_LABEL, f"{DOMAIN[:-1]}p", f"{DOMAIN[:-1]}q")
NAMESPACES = (
    ("x", "y"),
    ("x", "y", "z"),
    ("a", "a-b", "b"),
    ("a", "ab", "b-a"),
    (f"{LONG}a", f"{LONG}b", "v"),
    ("1", "01", "10"),
)
POD_NAMES = (
    ("p0", "p1", "p2", "p3", "p4"),
    ("a", "b", "a-b", "b-a", "a.b"),
    (f"{DOMAIN[:-1]}a", f"{DOMAIN[:-1]}b", LONG, f"{LONG}a", "v"),
)
