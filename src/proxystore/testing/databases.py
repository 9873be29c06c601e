"""Databases for tests: empty ones, and migrated ones, which are copies of one that was migrated once."""

from __future__ import annotations

import asyncio
import shutil
from contextlib import ExitStack
from functools import cached_property
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from uuid import uuid4

from sqlalchemy import text

from proxystore.database import Database, Statement
from proxystore.migrating import upgrade
from proxystore.settings.url import DatabaseURL
from proxystore.testing.postgres import Postgres, server

KINDS: Final = ("sqlite", "postgres")
_DEADLINE: Final = 60.0


class Databases:
    """Makes databases; a server is started when the first one on PostgreSQL is wanted.

    Args:
        directory: Where SQLite's template lies.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._stack = ExitStack()
        self._run, self._number = uuid4().hex[:8], count()
        self._names: list[str] = []

    @cached_property
    def postgres(self) -> Postgres:
        """The server.

        Raises:
            PostgresMissing: There is none to be had.
        """
        return self._stack.enter_context(server())

    @cached_property
    def sqlite_template(self) -> Path:
        """A migrated file to copy."""
        path = self._directory / "template.db"
        _migrate(f"sqlite:///{path}")
        return path

    @cached_property
    def postgres_template(self) -> str:
        """The URL of a migrated database to clone."""
        url = self.create()
        _migrate(url)
        return url

    def create(self, template: str | None = None) -> str:
        """Make a database on the server, empty or as the one that *template* leads to, and return its URL."""
        name = f"proxystore_test_{self._run}_{next(self._number)}"
        source = f" TEMPLATE {template.rpartition('/')[2]}" if template else ""
        asyncio.run(_administer(self.postgres, f"CREATE DATABASE {name}{source}"))
        self._names.append(name)
        return self.postgres.database_url(name)

    def migrated(self, kind: str, directory: Path) -> str:
        """Make a migrated database and return its URL; SQLite's lies in *directory*."""
        if kind == "postgres":
            return self.create(self.postgres_template)
        shutil.copy(self.sqlite_template, directory / "proxystore.db")
        return f"sqlite:///{directory / 'proxystore.db'}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with self._stack:
            if self._names and not self.postgres.is_own:  # ours goes with its directory, in no time
                drops = (f"DROP DATABASE {name} WITH (FORCE)" for name in self._names)
                asyncio.run(_administer(self.postgres, *drops))


def _migrate(url: str) -> None:
    asyncio.run(upgrade(DatabaseURL.parse(url), schema="proxystore"))


async def _administer(postgres: Postgres, *statements: str) -> None:
    async with Database(DatabaseURL.parse(postgres.url), deadline=_DEADLINE) as database:
        for statement in statements:
            await database.execute(Statement(text(statement)))
