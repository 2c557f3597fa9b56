"""`nox -s generate`: write docs/requirements.md."""

from __future__ import annotations

from fixtures import paths
from tests.catalogue import page

PATH = paths.ROOT / "docs" / "requirements.md"

if __name__ == "__main__":
    PATH.write_text(page.text())
