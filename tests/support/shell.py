"""Shell scripts in data files, checked without running them."""

from __future__ import annotations

import subprocess


def syntax_error(script: str) -> str:
    """The message of `sh -n` about a script; empty if it parses."""
    return subprocess.run(["sh", "-n"], input=script, capture_output=True, text=True, check=False).stderr.strip()
