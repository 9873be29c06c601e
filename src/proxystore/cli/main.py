"""The ``proxystore`` command."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import typer

from proxystore._foreign import refuse_foreign_distribution
from proxystore.cli.building import DOCTOR, build
from proxystore.cli.globals import Globals, command_of
from proxystore.cli.root import told
from proxystore.settings import Settings

_HARMLESS = {"--help", "--version"}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line with *arguments*, by default those of the process, and exit."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if arguments is None:
        gc.freeze()  # the process ends with this command: let it not look through all modules for that
    try:
        refuse_foreign_distribution()
        with _working_directory_importable():
            _built(words)(args=words, prog_name="proxystore")
    except ImportError as error:
        if error.name != "proxystore":
            raise
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)


@contextmanager
def _working_directory_importable() -> Iterator[None]:
    """Let plugins be named that lie there, as servers do; last, so that a file there hides nothing installed."""
    try:
        place = str(Path.cwd())
    except FileNotFoundError:  # it is gone
        yield
        return
    sys.path.append(place)
    try:
        yield
    finally:
        sys.path.remove(place)


def _built(words: Sequence[str]) -> typer.Typer:
    """Return the command line for the settings that *words* lead to: they decide which plugins bring commands."""
    given, command = Globals.of(words), command_of(words)
    if command == DOCTOR:
        return build(Settings(plugins=()), DOCTOR)
    try:
        return build(given.load(), command)
    except Exception as error:
        if _HARMLESS.intersection(words) or not words:
            told(error, as_note=True)
            return build(Settings(plugins=()))  # help must not need what it helps with
        if given.is_debug:
            raise
        told(error)
        sys.exit(1)
