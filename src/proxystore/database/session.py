"""What can be done with one connection, whichever database it leads to."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any, NamedTuple, Protocol, TypeAlias, TypeVar

T = TypeVar("T")

Arguments: TypeAlias = Sequence[object]
Rows: TypeAlias = Sequence[Sequence[Any]]


class BoundStep(NamedTuple):
    """One statement of a script.

    Attributes:
        sql: The statement.
        arguments: Its arguments.
        is_repeated: It is run for each of its arguments, and returns nothing; on SQLite alone.
        is_counted: In place of rows it returns how many it touched.
    """

    sql: str
    arguments: Sequence[Any]
    is_repeated: bool = False
    is_counted: bool = False


BoundScript: TypeAlias = Generator[BoundStep, Rows, T]


class Session(Protocol):
    """A connection out of the pool, in the hands of one task. What it raises is the driver's."""

    async def acquire(self) -> None:
        """Take a connection out of the pool, waiting for one if need be."""

    async def release(self) -> None:
        """Give the connection back."""

    def drop(self) -> None:
        """Give the connection up, whatever it is doing: nobody gets it again. Harmless where there is none."""

    async def begin(self) -> None:
        """Begin a transaction that may write."""

    async def commit(self) -> None:
        """Make it last."""

    async def rollback(self) -> None:
        """Undo it, if one is open."""

    async def fetch(self, sql: str, arguments: Arguments, *, is_alone: bool = False) -> Rows:
        """Return every row; *is_alone* for what writes and is a transaction of its own."""

    async def execute(self, sql: str, arguments: Arguments, *, is_alone: bool = False) -> int:
        """Return how many rows were touched; *is_alone* as above."""

    async def execute_many(self, sql: str, rows: Sequence[Arguments], *, is_returning: bool) -> int:
        """Run *sql*, which may return rows, for each of *rows*; return how many rows were touched."""

    async def perform(self, script: Callable[[], BoundScript[T]]) -> T:
        """Run the statements that *script* yields, sending it the rows of each, as a transaction of their own."""

    async def follow(self, script: Callable[[], BoundScript[T]]) -> T:
        """The same within the transaction that is open."""

    async def tidy(self) -> None:
        """See `Database.tidy`."""

    async def version(self) -> str:
        """Return the version of the database."""
