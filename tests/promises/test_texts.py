"""What our pages, messages and files say, and what they never say."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path
from typing import Final

import pytest

from proxystore import errors
from tests.promises.house import CODE, EXAMPLES, PAGES, ROOT, TESTS, name, tree

_LONGEST: Final = 300
_LINK: Final = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)")
_OTHER_PROJECT: Final = re.compile(r"pip3? install\s[^\n`&]*(?<![\w-])proxystore\b(?!-)")
_HOMES: Final = re.compile(r"/(?:home|Users)/\w+|/(?:root)/")
_DECISIONS: Final = ROOT / "docs" / "decisions"
_KEPT: Final = [ROOT / "pyproject.toml", ROOT / "tox.ini", ROOT / ".ci" / "run", ROOT / "conftest.py"]
_EVERYTHING: Final = [file for file in (*CODE, *TESTS, *EXAMPLES, *PAGES, *_KEPT) if file != Path(__file__)]


@pytest.mark.parametrize("file", CODE, ids=name)
def test_every_module_says_what_it_is_and_is_short(file: Path) -> None:
    assert ast.get_docstring(tree(file))
    assert len(file.read_text(encoding="utf-8").splitlines()) <= _LONGEST, "a file tells one story"


def test_every_error_says_what_to_tell_people() -> None:
    """The docstring is the default message, so an inherited one would speak of something else."""
    found = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, Exception)]

    assert found
    assert not [kind.__name__ for kind in found if not kind.__dict__.get("__doc__")]


@pytest.mark.parametrize("file", _EVERYTHING, ids=name)
def test_no_text_names_the_other_project_or_a_place_on_a_machine(file: Path) -> None:
    text = file.read_text(encoding="utf-8")

    assert not _OTHER_PROJECT.findall(text), "that installs another project; ours is asgi-proxystore"
    assert not _HOMES.findall(text)
    assert len(ROOT.parts) <= 2 or str(ROOT) not in text


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_leads_somewhere(page: Path) -> None:
    targets = _LINK.findall(page.read_text(encoding="utf-8"))

    assert not [target for target in targets if not (page.parent / target).exists()]


def test_every_decision_is_listed() -> None:
    listed = _LINK.findall((_DECISIONS / "README.md").read_text(encoding="utf-8"))

    assert {page.name for page in _DECISIONS.glob("*.md")} - {"README.md"} == set(listed)


def test_ci_runs_what_the_readme_says() -> None:
    command = re.search(r"python3 -m venv \.venv && (.* && \.venv/bin/tox.*)", (ROOT / "README.md").read_text("utf-8"))
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")

    assert command is not None
    assert [word for word in command[1].split() if word.startswith(".venv/bin/")] == [
        word.replace(".venv-ci", ".venv") for word in script.split() if word.startswith(".venv-ci/bin/")
    ]
