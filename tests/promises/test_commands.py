"""Our pages name no command that does not exist, and keep none to themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import typer

from proxystore import Settings
from proxystore.cli import build
from tests.promises.house import PAGES, ROOT, name

_CALL: Final = re.compile(r"(?:^|[`/\s])proxystore ((?:[a-z][a-z-]* ?)+)", re.MULTILINE)
_CODE: Final = re.compile(r"^```sh\n(.*?)^```|`(proxystore [^`]*)`", re.DOTALL | re.MULTILINE)


def _commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for word, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command, (*path, word))
        elif not command.hidden:
            yield (*path, word)


_KNOWN: Final = sorted(_commands(typer.main.get_command(build(Settings.load(environ={})))))
_DOCUMENTED: Final = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("command", _KNOWN, ids=" ".join)
def test_every_command_is_documented(command: tuple[str, ...]) -> None:
    assert f"`proxystore {' '.join(command)}" in _DOCUMENTED


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_command_on_our_pages_exists(page: Path) -> None:
    code = "\n".join("".join(found) for found in _CODE.findall(page.read_text(encoding="utf-8")))
    called = [tuple(words.split()) for words in _CALL.findall(code)]

    assert not [call for call in called if not any(_is_about(call, command) for command in _KNOWN)]


def _is_about(call: tuple[str, ...], command: tuple[str, ...]) -> bool:
    """Return whether *call* is *command* with arguments, or a group that it belongs to."""
    return call[: len(command)] == command or command[: len(call)] == call
