"""The documents: the page of all requirements is complete and up to date, and links have existing targets."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from fixtures import paths
from tests.catalogue import cited, main, page

if TYPE_CHECKING:
    from pathlib import Path


def test_reds_yaml_names_existing_tests() -> None:
    """reds.yaml lists requirements that neither a break nor a mutant makes fail, each with an existing test."""
    for name, (test,) in cited.by_tests().items():
        path, _, function = test.partition("::")
        assert f"def {function}(" in (paths.ROOT / path).read_text(), test
        assert name in cited.known()
        assert name not in cited.by_breaks().keys() | cited.by_mutants().keys(), f"{name} needs no row in reds.yaml"


def test_every_requirement_has_been_seen_to_fail() -> None:
    """A break, a mutant or a test makes each requirement fail; otherwise its cases might be unable to fail."""
    seen = cited.by_tests().keys() | cited.by_breaks().keys() | cited.by_mutants().keys()
    for name in cited.known().keys() - seen:
        pytest.fail(
            f"{name}: nothing makes it fail. Add a row to tests/lab/breaks.yaml, or the test that sees it fail to "
            "tests/catalogue/reds.yaml."
        )


def test_every_requirement_has_a_file_and_a_letter() -> None:
    """The page can state the file that defines each requirement, and the meaning of its letter."""
    assert cited.known().keys() == cited.files().keys()
    assert {name[0] for name in cited.known()} <= page.LETTERS.keys()


def test_the_page_of_requirements_is_up_to_date() -> None:
    """docs/requirements.md has the content that `nox -s generate` writes."""
    assert main.PATH.read_text() == page.text(), "run ./noxw -s generate"


@pytest.mark.parametrize("path", cited.tracked(".md"), ids=str)
def test_links_between_pages_have_existing_targets(path: Path) -> None:
    """A relative link names an existing file and, after a #, a heading of that file."""
    for link in re.findall(r"\]\((?!https?:)([^)]+)\)", (paths.ROOT / path).read_text()):
        name, _, heading = link.partition("#")
        target = (paths.ROOT / path).parent / name if name else paths.ROOT / path
        assert target.exists(), link
        headings = re.findall(r"^#+ (.+)$", target.read_text(), re.MULTILINE) if target.suffix == ".md" else []
        assert not heading or heading in {re.sub(r"[^\w -]", "", text).lower().replace(" ", "-") for text in headings}


def test_the_glossary_stays_short() -> None:
    """The glossary has at most twenty words, in alphabetical order."""
    rows = re.findall(r"^\| (?!word|-)([^|]+) \|", (paths.ROOT / "docs" / "glossary.md").read_text(), re.MULTILINE)
    assert rows == sorted(rows)
    assert len(rows) <= 20
