"""Where revisions come from: our own history, and those that plugins bring."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Final


@dataclass(frozen=True, slots=True)
class Migrations:
    """A history of revisions: a package with a folder ``versions``, whose files are written as for Alembic.

    The package says ``HEAD = "<its newest revision>"``, so that a start with nothing to do goes without Alembic.

    Attributes:
        package: The package's import name.
        version_table: The table that remembers where a database stands; no two histories share one.
    """

    package: str
    version_table: str

    @property
    def head(self) -> str:
        """The newest revision, as the package says it."""
        return str(self._module().HEAD)

    @property
    def versions(self) -> Path:
        """Where the revisions lie."""
        return Path(self._module().__path__[0], "versions")

    def _module(self) -> ModuleType:
        return import_module(self.package)


BUILT_IN: Final = Migrations("proxystore_migrations", "proxystore_version")
"""Our own history; plugins' run after it."""


def in_order(migrations: Iterable[Migrations]) -> tuple[Migrations, ...]:
    """Return our own history and then *migrations*, each once."""
    return tuple(dict.fromkeys((BUILT_IN, *migrations)))
