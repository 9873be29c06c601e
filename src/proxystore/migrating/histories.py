"""Where revisions come from: our own history, and those that plugins bring."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Final


@dataclass(frozen=True, slots=True)
class Migrations:
    """A history of revisions: a package with a folder ``versions``, as Alembic writes them.

    A package that says ``HEAD = "<its newest revision>"`` lets a start that has nothing to do go without Alembic.

    Attributes:
        package: The package's import name.
        version_table: The table that remembers where a database stands; no two histories share one.
    """

    package: str
    version_table: str

    @property
    def head(self) -> str | None:
        """The newest revision, as the package says it; ``None`` if it does not."""
        head = getattr(self._module, "HEAD", None)
        return None if head is None else str(head)

    @property
    def directory(self) -> Path:
        """The package's directory."""
        return Path(self._module.__path__[0])

    @property
    def _module(self) -> ModuleType:
        return import_module(self.package)


BUILT_IN: Final = Migrations("proxystore_migrations", "proxystore_version")
"""Our own history; plugins' run after it."""
