"""Check shell scripts in data files without running them."""

from __future__ import annotations

import subprocess


def syntax_error(script: str) -> str:
    """Return the message of `sh -n` about a script; "" if its syntax is right."""
    return subprocess.run(["sh", "-n"], input=script, capture_output=True, text=True, check=False).stderr.strip()
