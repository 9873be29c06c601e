"""Settling what requests were promised of budgets: what they used is spent, and held no more.

In the transaction that counts their events, and last in it, for that is where processes meet; so what was spent is a
roll-up like any other, and counted as often as its events are: once.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import lru_cache
from operator import add, attrgetter
from typing import Final, TypeAlias
from uuid import UUID

from sqlalchemy import func, literal, select

from proxystore.database import Database, Script, Statement
from proxystore.ids import milliseconds_of
from proxystore.ledger.entries import UsageEntry
from proxystore.ledger.rows import Dialect
from proxystore.periods import period_at
from proxystore.repositories.limits import BudgetKey, Spent, give_back, refresh, release, spend
from proxystore.schema.usage import ROLLUPS_LOCK
from proxystore.values import TOKENS

Process: TypeAlias = UUID
Owners: TypeAlias = tuple[str | None, ...]
"""Who pays for an event."""
Takes: TypeAlias = Mapping[Process, Mapping[BudgetKey, int]]

_DAY_MS: Final = 86_400_000
_FREE: Final = frozenset({"refused", "cached"})
_tokens_of: Final = attrgetter(*TOKENS)
_EXCLUDE: Final = Statement(select(func.pg_advisory_xact_lock(literal(ROLLUPS_LOCK))))


def settled(
    dialect: Dialect, entries: Sequence[UsageEntry], process_of: Callable[[UUID], Process]
) -> Callable[[], Script[None]]:
    """Return the script that settles *entries*, none of which has been counted before; it locks nothing after.

    All that can be reckoned is reckoned here, before anything is locked.

    Args:
        dialect: Of the database.
        entries: What was used.
        process_of: Returns, by the id of an event, which process has held for it.
    """
    spent = spent_by(entries)
    takes = sorted(takes_of(entries, process_of).items()) if spent else []

    def settling() -> Script[None]:
        if spent:
            yield from spend(dialect, spent)
        for process_id, amounts in takes:
            yield from give_back(dialect, process_id, [(*key, amount) for key, amount in amounts.items()])

    return settling


def spent_by(entries: Iterable[UsageEntry]) -> list[Spent]:
    """Return what keys and projects, and whoever else was promised something, used on each day."""
    sums: dict[tuple[Owners, int], list[int]] = {}
    for entry in entries:
        if entry.outcome in _FREE:
            continue
        owners: Owners = (entry.key_id, entry.project_id)
        if entry.hold is not None:
            owners += tuple({hold.owner for hold in entry.hold})
        day = milliseconds_of(entry.event_id) // _DAY_MS
        total = sums.get((owners, day))
        if total is None:
            total = sums[owners, day] = [0, 0, 0]
        total[0] += 1
        total[1] += sum(_tokens_of(entry))
        total[2] += entry.cost_nanousd or 0
    return _by_owner(sums)


def _by_owner(sums: Mapping[tuple[Owners, int], Sequence[int]]) -> list[Spent]:
    """Return *sums* of several owners each as those of every one of them."""
    spent: dict[tuple[str, int], list[int]] = {}
    for (owners, day), total in sums.items():
        for owner in {owner for owner in owners if owner is not None}:
            known = spent.setdefault((owner, day), [0, 0, 0])
            known[:] = map(add, known, total)
    return [Spent(owner, day, _month(day), *total) for (owner, day), total in spent.items()]


def takes_of(entries: Iterable[UsageEntry], process_of: Callable[[UUID], Process]) -> Takes:
    """Return what processes do not hold any more: of what was promised as much as was used."""
    takes: dict[Process, dict[BudgetKey, int]] = {}
    for entry in entries:
        if entry.hold is None or entry.outcome in _FREE:
            continue
        used = {"requests": 1, "tokens": sum(_tokens_of(entry)), "nanousd": entry.cost_nanousd or 0}
        of_process = takes.setdefault(process_of(entry.event_id), {})
        for hold in entry.hold:
            key = (hold.owner, hold.unit, hold.span, hold.period)
            of_process[key] = of_process.get(key, 0) + min(hold.amount, used[hold.unit])
    return takes


async def release_dead(database: Database, process_ids: Collection[Process]) -> None:
    """Give back what processes hold whose journals have been written down to their end."""
    await database.perform(lambda: release(database.dialect, list(process_ids)))


async def refresh_spent(database: Database) -> int:
    """Set what was spent in open windows to what roll-ups say, after those have been changed; return how many."""
    now_ns = int(datetime.now(UTC).timestamp() * 1_000_000_000)
    day, month = (period_at(span, now_ns).number for span in ("day", "month"))
    async with database.transaction() as transaction:
        if database.dialect == "postgresql":
            await transaction.execute(_EXCLUDE)
        return await transaction.perform(refresh(database.dialect, day=day, month=month))


@asynccontextmanager
async def refreshing_spent(database: Database) -> AsyncIterator[None]:
    """Make days anew in this, however far that comes: each day is done by itself, and what was spent follows."""
    try:
        yield
    finally:
        await refresh_spent(database)


@lru_cache(maxsize=1024)
def _month(day: int) -> int:
    return period_at("month", day * _DAY_MS * 1_000_000).number
