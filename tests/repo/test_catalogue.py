"""docs/requirements.md, the page of all requirements: it is complete and up to date."""

from __future__ import annotations

from fixtures import paths
from reports import requirements
from tests.catalogue import cited, main, page


def test_tests_that_see_a_requirement_fail_exist() -> None:
    """reds.yaml names requirements that no break and no mutant makes fail, and tests that there are."""
    for name, (test,) in cited.by_tests().items():
        path, _, function = test.partition("::")
        assert f"def {function}(" in (paths.ROOT / path).read_text(), test
        assert name in requirements.load()
        assert name not in cited.by_breaks().keys() | cited.by_mutants().keys(), f"{name} needs no row in reds.yaml"


def test_every_requirement_has_a_file_and_a_letter() -> None:
    """The page can say where each is defined and what its letter means."""
    assert requirements.load().keys() == cited.files().keys()
    assert {name[0] for name in requirements.load()} <= page.LETTERS.keys()


def test_the_page_of_requirements_is_up_to_date() -> None:
    """docs/requirements.md is what `nox -s catalogue` writes."""
    assert main.PATH.read_text() == page.text(), "run ./noxw -s catalogue"
