"""Every example in the README, the documentation and the docstrings is a test: ``tox -e docs``."""

from __future__ import annotations

import os
from contextlib import ExitStack, chdir
from doctest import ELLIPSIS
from tempfile import TemporaryDirectory
from typing import Any, Final

from sybil import Sybil
from sybil.parsers import markdown, rest
from sybil.sybil import SybilCollection
from sybil.typing import Parser

_PLACE: Final = "__place__"


def _enter_a_place_of_its_own(namespace: dict[str, Any]) -> None:
    """Keep what a page's examples write out of the checkout, and what this machine has set out of the examples."""
    place = namespace[_PLACE] = ExitStack()
    place.enter_context(chdir(place.enter_context(TemporaryDirectory())))
    found = {name: value for name, value in os.environ.items() if name.startswith(("PROXYSTORE_", "DATABASE_", "DB_"))}
    for name in found:
        del os.environ[name]
    place.callback(os.environ.update, found)


def _leave_it(namespace: dict[str, Any]) -> None:
    namespace[_PLACE].close()


def _examples(path: str, pattern: str, *parsers: Parser) -> Sybil:
    return Sybil(parsers, path=path, patterns=[pattern], setup=_enter_a_place_of_its_own, teardown=_leave_it)


_blocks = markdown.PythonCodeBlockParser(doctest_optionflags=ELLIPSIS)
_docstrings = (rest.DocTestParser(optionflags=ELLIPSIS), rest.PythonCodeBlockParser(), _blocks)
pytest_collect_file = SybilCollection(
    [
        _examples(".", "*.md", _blocks, markdown.SkipParser()),
        _examples("src", "*.py", *_docstrings),
        _examples("plugins", "*.py", *_docstrings),
    ]
).pytest()
