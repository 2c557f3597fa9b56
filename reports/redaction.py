"""Remove secrets from texts before they are written to a run's folder.

Secrets are recognised by their shapes and by the names beside them: a password that looks like a word and has no name
is not recognised. Values that are known to be secret are removed wherever they occur.
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

REMOVED = "[redacted]"
SHORTEST = 6  # characters of a known value: shorter ones are words such as `true`
# Words in names of secrets. `key` alone is not: maps of rules and labels have keys.
WORDS = (
    r"(?:passw(?:or)?d|passphrase|secret|token|credential|api[-_]?key|access[-_]?key|private[-_ ]?key|signing[-_]?key"
    r"|encryption[-_]?key|preshared[-_ ]?key|shared[-_]?key|client[-_]?key|key[-_]data|psk"
    r"|certificate[-_](?:authority[-_])?data|client[-_]certificate|cookie|session[-_]?id)"
)
NAME = rf"[\w.\-]{{0,80}}{WORDS}[\w.\-]{{0,80}}"  # bounded, so that the time is
NO_SECRET = re.compile(
    r"(?:name|names|ref|refs|path|file|dir|namespace|count|seconds|expiry|type|version)$", re.IGNORECASE
)
VALUE = r"""(?:\\?"(?:[^"\\\n]|\\.)*?\\?"|'[^'\n]*'|\|[-+]?\n(?:[ \t]+[^\n]*\n?)+|[^\s,;&}\]"']+)"""
NO_VALUES = {"null", "{}", "[]", "true", "false", '""', "{", "["}
QUOTE = re.compile(r"\\?[\"']")
ENVIRONMENT_NAME = re.compile(WORDS, re.IGNORECASE)

PEM = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----[\s\S]*?(?:-----END \1-----|\Z)")
ENCODED_PEM = re.compile(r"LS0tLS1CRUdJTi[A-Za-z0-9+/=]+")  # base64 of the beginning of the above
SHAPES = (
    PEM,
    ENCODED_PEM,
    re.compile(r"(?<![\w-])eyJ[\w-]{6,}\.[\w-]{6,}(?:\.[\w-]*)*"),  # JSON Web Token
    re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),  # AWS
    re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{30,}|github_pat_\w{30,}|glpat-[\w-]{16,}|xox[abprs]-[\w-]{10,})"),
    re.compile(r"\b[a-z0-9]{6}\.[a-z0-9]{16}\b"),  # bootstrap token of Kubernetes
    re.compile(r"\b0x[0-9a-fA-F]{32,}\b"),  # key of `ip xfrm state`
)
HEADER = re.compile(r"""(\bauthorization\\?["']?\s*[:=]\s*\\?["'\[]*)(?:(?:\w+)[ \t]+)?[^\s"',\]]+""", re.IGNORECASE)
BEARER = re.compile(r"\b(bearer\s+)[\w.~+/=-]{12,}", re.IGNORECASE)
IN_URL = re.compile(r"((?<![\w+.-])[a-z][a-z0-9+.-]{0,20}://)[^\s/@\"']+@", re.IGNORECASE)
OPTION = re.compile(rf"(?<![\w.\-])(?P<name>--?{NAME})(?:=|[ \t]+)(?P<value>{VALUE})", re.IGNORECASE)
NAMED = re.compile(
    rf"""(?<![\w.\-])(\\?["']?)(?P<name>{NAME})\1(?:[ \t]*[:=]|[ \t]+(?:is|was)\b)[ \t]*(?P<value>{VALUE})""",
    re.IGNORECASE,
)
# The variable of a container: its value is in the next line, or in the next field.
VARIABLE = re.compile(
    rf"""(\bname\\?["']?\s*[:=]\s*\\?["']?{NAME}\\?["']?\s*,?\s*\n?\s*-?\s*\\?["']?value\\?["']?\s*[:=]\s*)({VALUE})""",
    re.IGNORECASE,
)
# Fields that only Secrets have, and the field `data` of a document that is one.
STRING_DATA = re.compile(r"""(\\?["']stringData\\?["']\s*:\s*)\{[^{}]*\}""")
DATA = re.compile(r"""(\\?["']data\\?["']\s*:\s*)\{[^{}]*\}""")
IS_SECRET = re.compile(r"""\bkind\\?["']?\s*:\s*\\?["']?Secret(?:List)?\b""")
BLOCK = re.compile(r"^([ \t]*(?:- )?)(stringData|data):[ \t]*\n((?:\1[ \t]+[^\n]*(?:\n|\Z))+)", re.MULTILINE)
DOCUMENTS = re.compile(r"(^---[ \t]*\n)", re.MULTILINE)


def redacted(text: str, known: Iterable[str] = ()) -> str:
    """Return a text without secrets.

    Args:
        text: the text.
        known: NAME=VALUE of variables of the environment; values with names like those of secrets are removed.
    """
    for value in _values(known):
        text = text.replace(value, REMOVED)
    for shape in SHAPES:
        text = shape.sub(REMOVED, text)
    text = "".join(_without_data(part) for part in DOCUMENTS.split(text))
    text = IN_URL.sub(rf"\1{REMOVED}@", text)
    text = HEADER.sub(rf"\1{REMOVED}", text)
    text = BEARER.sub(rf"\1{REMOVED}", text)
    text = VARIABLE.sub(rf"\1{REMOVED}", text)
    text = OPTION.sub(_without_value, text)
    return NAMED.sub(_without_value, text)


def _values(known: Iterable[str]) -> list[str]:
    """Return the known secrets and their base64, the longest first: one may contain another."""
    pairs = (row.partition("=")[::2] for row in known)
    plain = {value for name, value in pairs if len(value) >= SHORTEST and ENVIRONMENT_NAME.search(name)}
    encoded = {base64.b64encode(value.encode()).decode() for value in plain}
    return sorted(plain | encoded, key=len, reverse=True)


def _without_data(document: str) -> str:
    """Return a document of YAML or JSON without the values of Secrets."""
    is_secret = bool(IS_SECRET.search(document))
    document = STRING_DATA.sub(rf"\1{{}} {REMOVED}", document)
    if is_secret:
        document = DATA.sub(rf"\1{{}} {REMOVED}", document)
    return BLOCK.sub(
        lambda block: f"{block[1]}{block[2]}: {REMOVED}\n" if is_secret or block[2] == "stringData" else block[0],
        document,
    )


def _without_value(match: re.Match[str]) -> str:
    """Return `NAME: VALUE` without the value, unless the name or the value is that of no secret."""
    value = match["value"]
    if NO_SECRET.search(match["name"]) or value in NO_VALUES or REMOVED.startswith(value):
        return match[0]
    quote = QUOTE.match(value)
    mark = quote[0] if quote else ""
    kept = match[0][: match.start("value") - match.start()]
    return f"{kept}{mark}{REMOVED}{mark}" + "\n" * value.endswith("\n")
