"""What a connection can do, whichever database it leads to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeAlias

Arguments: TypeAlias = Sequence[object]
Rows: TypeAlias = Sequence[Sequence[Any]]


class Session(Protocol):
    """A connection out of the pool, in the hands of one task. What it raises is the driver's."""

    async def acquire(self) -> None:
        """Take a connection out of the pool, waiting for one if need be."""

    async def release(self) -> None:
        """Give the connection back."""

    def drop(self) -> None:
        """Give the connection up, whatever it is doing: nobody gets it again. Harmless where there is none."""

    async def begin(self, deadline: float) -> None:
        """Begin a transaction that may write."""

    async def commit(self) -> None:
        """Make it last."""

    async def rollback(self) -> None:
        """Undo it, if one is open."""

    async def fetch(self, sql: str, arguments: Arguments) -> Rows:
        """Return every row."""

    async def execute(self, sql: str, arguments: Arguments) -> int:
        """Return how many rows were touched."""

    async def execute_many(self, sql: str, rows: Sequence[Arguments]) -> int:
        """Run *sql* for each of *rows*; return how many rows were touched."""

    async def version(self) -> str:
        """Return the version of the database."""
