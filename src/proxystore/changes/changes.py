"""Changing what processes remember: each mutation tells of itself in its own transaction.

The counter's row is locked by the last statements of a mutation and stays so until it commits: generations appear in
the order of commits and without gaps. Lock order everywhere: the rows changed, the counter, then what a witness locks.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, Protocol, TypeAlias, TypeVar

from sqlalchemy import Text, bindparam, cast, delete, func, insert, select, update

from proxystore.changes.following import CHANNEL
from proxystore.database import Database, Query, Statement, Transaction
from proxystore.schema.changes import changes, generations

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

R = TypeVar("R")

Aggregate: TypeAlias = Literal["project", "api_key", "model", "setting", "cache"]

COUNTER: Final = "all"
"""The name of the one counter there is."""

_KEPT: Final = 100_000  # who has not looked for so many changes drops all that it remembers
_PAGE: Final = 1_000
_GENERATION: Final = Query(select(generations.c.value).where(generations.c.name == COUNTER), lambda value: value)
_ADVANCE: Final = Query(
    update(generations)
    .where(generations.c.name == COUNTER)
    .values(value=generations.c.value + bindparam("count"))
    .returning(generations.c.value),
    lambda value: value,
)
_APPEND: Final = Statement(
    insert(changes).values(
        generation=bindparam("generation"),
        aggregate=bindparam("aggregate"),
        aggregate_id=bindparam("aggregate_id"),
        changed_at=bindparam("changed_at"),
    )
)
_NOTIFY: Final = Query(
    select(func.pg_notify(CHANNEL, cast(bindparam("payload", type_=Text), Text)).label("notified")),
    lambda notified: notified,
)
_FORGET: Final = Statement(delete(changes).where(changes.c.generation <= bindparam("until")))


class Touched(NamedTuple):
    """What a mutation did to one of its aggregate.

    Attributes:
        aggregate: What kind of thing it is.
        aggregate_id: Which; ``None`` stands for all of them.
        is_changed: Whether it is another than before; else this is for the record alone.
        details: For the record: never a secret.
    """

    aggregate: Aggregate
    aggregate_id: str | None
    is_changed: bool
    details: Mapping[str, Any]


class Change:
    """A mutation under way: a transaction, and what it has touched.

    Attributes:
        aggregate: What it is about, unless it says otherwise of something it touches.
        action: What it is called, such as ``key.create``.
        actor: Who does it.
        transaction: What it is done in.
        items: What was touched so far.
    """

    def __init__(self, aggregate: Aggregate, action: str, actor: str | None, transaction: Transaction) -> None:
        self.aggregate = aggregate
        self.action = action
        self.actor = actor
        self.transaction = transaction
        self.items: list[Touched] = []
        self.fetch_one = transaction.fetch_one
        self.fetch_all = transaction.fetch_all
        self.execute = transaction.execute
        self.execute_many = transaction.execute_many

    def touched(self, aggregate_id: str | None, *, aggregate: Aggregate | None = None, **details: object) -> None:
        """Say what is another than before: every process that remembers it shall ask again.

        Args:
            aggregate_id: Which; ``None`` stands for all of them.
            aggregate: What kind of thing, where not what the change is about.
            **details: For the record: never a secret.
        """
        self.items.append(Touched(aggregate or self.aggregate, aggregate_id, is_changed=True, details=details))

    def noted(self, aggregate_id: str | None, *, aggregate: Aggregate | None = None, **details: object) -> None:
        """Say what was asked for and left all as it was: for the record alone."""
        self.items.append(Touched(aggregate or self.aggregate, aggregate_id, is_changed=False, details=details))


class Witness(Protocol):
    """Who writes down what was done, last of all in the transaction that does it."""

    async def __call__(self, change: Change) -> None:
        """Write down *change*; an error undoes it."""


class Changes:
    """The change log, as those see it who change something.

    Attributes:
        witness: Who writes down what was done, if anybody.
        follow: Awaited after a commit: this process's own caches need not wait to hear of it.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.witness: Witness | None = None
        self.follow: Callable[[], Awaitable[None]] | None = None

    def begin(self, aggregate: Aggregate, *, action: str, actor: str | None) -> AbstractAsyncContextManager[Change]:
        """Return a mutation: ``async with changes.begin("api_key", action="key.update", actor="me") as change: ...``.

        Leaving the block numbers what it touched, tells who listens, and commits, unless an error leaves it: then
        nothing has happened. Raises whatever a `Transaction` raises.
        """
        return self._begin(aggregate, action, actor)

    async def generation(self) -> int:
        """Return the number of the last change."""
        return await self._database.fetch_one(_GENERATION) or 0

    @asynccontextmanager
    async def _begin(self, aggregate: Aggregate, action: str, actor: str | None) -> AsyncIterator[Change]:
        async with self._database.transaction() as transaction:
            change = Change(aggregate, action, actor, transaction)
            yield change
            await self._number(transaction, [item for item in change.items if item.is_changed])
            if self.witness is not None and change.items:
                await self.witness(change)
        if self.follow is not None and any(item.is_changed for item in change.items):
            await self.follow()

    async def _number(self, transaction: Transaction, items: Sequence[Touched]) -> None:
        if not items:
            return
        last = await transaction.fetch_one(_ADVANCE, count=len(items))
        first, now = (last or 0) - len(items) + 1, datetime.now(UTC)
        rows = [
            {
                "generation": generation,
                "aggregate": item.aggregate,
                "aggregate_id": item.aggregate_id,
                "changed_at": now,
            }
            for generation, item in enumerate(items, first)
        ]
        for page in range(0, len(rows), _PAGE):  # each has a deadline
            await transaction.execute_many(_APPEND, rows[page : page + _PAGE])
        if first // 1000 != first + len(items) // 1000:  # now and then
            await transaction.execute(_FORGET, until=first - _KEPT)
        if self._database.dialect == "postgresql":
            await transaction.fetch_all(_NOTIFY, payload=str(last))
