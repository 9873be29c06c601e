"""Histories that a test makes up, as a plugin would bring them."""

from __future__ import annotations

import sys
from pathlib import Path
from uuid import uuid4

from proxystore.migrating import Migrations

REVISION = '''
"""{message}."""
import sqlalchemy as sa
from alembic import op

revision = {name!r}
down_revision = {parent!r}


def upgrade():
    {upgrade}


def downgrade():
    {downgrade}
'''


class History:
    """A package of its own in *folder*, with one revision after the other."""

    def __init__(self, folder: Path) -> None:
        self._names: list[str] = []
        self._package = f"history_{uuid4().hex}"
        self._directory = folder / self._package
        (self._directory / "versions").mkdir(parents=True)
        self.migrations = Migrations(self._package, f"{self._package}_version")

    def add(self, message: str, upgrade: str, downgrade: str = "pass") -> str:
        """Write a further revision, and return its name."""
        name, parent = f"{len(self._names) + 1:04}", self._names[-1] if self._names else None
        source = REVISION.format(message=message, name=name, parent=parent, upgrade=upgrade, downgrade=downgrade)
        (self._directory / "versions" / f"r{name}.py").write_text(source, encoding="utf-8")
        self._names.append(name)
        self._end_at(name)
        return name

    def remove_newest(self) -> None:
        """Be as the release before."""
        (self._directory / "versions" / f"r{self._names.pop()}.py").unlink()
        self._end_at(self._names[-1])

    def _end_at(self, name: str) -> None:
        # Longer with each call: Python looks at times in seconds, and at sizes, before it reads a module again.
        source = f"{'#' * len(list(self._directory.rglob('*')))}\nHEAD = {name!r}\n"
        (self._directory / "__init__.py").write_text(source, encoding="utf-8")
        sys.modules.pop(self._package, None)
