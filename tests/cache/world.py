"""A host with a cache directory, and what has it open."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from proxystore.cache import Space, Spaces


class Host:
    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.now = time.time_ns()

    @asynccontextmanager
    async def space(self, **options) -> AsyncIterator[Space]:
        """Open the space ``answers`` as a process would."""
        spaces = Spaces(self.directory, **options)
        space = spaces.space("answers")
        space._clock = lambda: self.now
        try:
            await space.open()
            yield space
        finally:
            await spaces.close()

    @property
    def place(self) -> Path:
        return self.directory / "answers"

    def databases(self) -> list[Path]:
        return sorted(self.place.glob("[0-9]*/cache.db"))

    def execute(self, sql: str, *arguments: object) -> int:
        """Do as somebody would who can write here; return how many rows that touched."""
        count = 0
        for file in self.databases():
            with sqlite3.connect(file) as connection:
                count += connection.execute(sql, arguments).rowcount
            connection.close()
        return count

    def broken(self) -> list[Path]:
        return sorted(self.directory.glob("answers.broken-*"))
