"""Reckoning anew what was recorded: only when it is asked for, a day at a time, and the roll-ups with it.

An event keeps the cost it was recorded with, whatever prices do. To reprice is to say that a price was wrong or missing
when it was used: each event takes the price that is now known to have held at its own time.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, update

from proxystore.database import Database, Statement, Transaction
from proxystore.ids import first_id
from proxystore.ledger.rebuilding import begun, lock_day, rebuild_day
from proxystore.pricing import UNPRICED, nanoseconds
from proxystore.records import UsageEvent
from proxystore.repositories.models import Resolution, resolution
from proxystore.repositories.usage.events import list_query
from proxystore.schema.usage import usage_events
from proxystore.values import Cost, Usage

_PAGE: Final = 2_000
_DAY_MS: Final = 86_400_000
_EPOCH: Final = date(1970, 1, 1)
_EVENTS: Final = list_query(frozenset({"after", "until"}), is_oldest_first=True)
_SET: Final = Statement(
    update(usage_events)
    .where(usage_events.c.event_id == bindparam("wanted"))
    .values(cost_nanousd=bindparam("cost_nanousd"), saved_nanousd=bindparam("saved_nanousd"))
)


class Repriced(NamedTuple):
    """What a day costs now.

    Attributes:
        day: Which one, UTC.
        events: How many there were.
        changed: How many of them cost something else than before.
        nanousd: By how much that is more, all together; less is negative.
    """

    day: date
    events: int
    changed: int
    nanousd: int


async def reprice(
    database: Database, since: date, until: date | None = None, *, is_bundled: bool = True
) -> AsyncIterator[Repriced]:
    """Reckon the events of each day anew and yield what came of it.

    What has no known price keeps the cost it has. Writers wait for one day's time.

    Args:
        database: Where they are.
        since: The first day, UTC.
        until: The day after the last; ``None`` is as far as there are events.
        is_bundled: Whether the list that comes with us is asked, too.

    Raises:
        InvalidRecord: Events of the first day have been deleted.
    """
    last = until or datetime.now(UTC).date() + timedelta(days=2)  # a clock may be ahead
    day = await begun(database, since) or last
    names = _Names(is_bundled=is_bundled)
    while day < last:
        async with database.transaction() as transaction:
            await lock_day(transaction, database, day)
            done = await _reprice_day(transaction, day, names)
            if done.changed:
                await rebuild_day(transaction, day)
        yield done
        day += timedelta(days=1)


async def _reprice_day(transaction: Transaction, day: date, names: _Names) -> Repriced:
    begin = (day - _EPOCH).days * _DAY_MS
    # "After" leaves out the id itself: begin right before the first of the day.
    after, until = UUID(int=first_id(begin).int - 1), first_id(begin + _DAY_MS)
    count = changed = difference = 0
    while True:
        page = await transaction.fetch_all(_EVENTS, limit=_PAGE, after=after, until=until)
        rows = []
        for event in page:
            before = (event.cost_nanousd, event.saved_nanousd)
            now = await _reckoned(transaction, event, names)
            if now != before:
                rows.append({"wanted": event.event_id, "cost_nanousd": now[0], "saved_nanousd": now[1]})
                difference += (now[0] or 0) - (before[0] or 0)
        if rows:
            await transaction.execute_many(_SET, rows)
        count, changed = count + len(page), changed + len(rows)
        if len(page) < _PAGE:
            return Repriced(day, count, changed, difference)
        after = page[-1].event_id


async def _reckoned(transaction: Transaction, event: UsageEvent, names: _Names) -> tuple[int | None, int | None]:
    """Return what *event* costs, and what it has saved, by the prices that are known now."""
    before = (event.cost_nanousd, event.saved_nanousd)
    if event.outcome == "refused" or event.quality == "missing":
        return before
    usage = usage_of(event)
    if usage == _NOTHING:  # nothing was used, such as by counting tokens: nothing is owed
        return before
    cost = await names.cost(transaction, event, usage)
    if cost.nanousd is None:
        return before
    return (0, cost.nanousd) if event.outcome == "cached" else (cost.nanousd, None)


_NOTHING: Final = Usage(quality="reported")


def usage_of(event: UsageEvent) -> Usage:
    """Return what *event* has used, as prices want it."""
    tier = (event.metadata or {}).get("service_tier")
    return Usage(
        input_tokens=event.input_tokens,
        cache_read_tokens=event.cache_read_tokens,
        cache_write_tokens=event.cache_write_tokens,
        cache_write_1h_tokens=event.cache_write_1h_tokens,
        input_audio_tokens=event.input_audio_tokens,
        input_image_tokens=event.input_image_tokens,
        output_tokens=event.output_tokens,
        reasoning_tokens=event.reasoning_tokens,
        output_audio_tokens=event.output_audio_tokens,
        output_image_tokens=event.output_image_tokens,
        unclassified_tokens=event.unclassified_tokens,
        requests=event.billed_requests,
        seconds=event.billed_ms / 1000,
        quality="reported",
        service_tier=tier if isinstance(tier, str) else None,
    )


class _Names:
    """What names mean, looked up once each."""

    def __init__(self, *, is_bundled: bool) -> None:
        self._is_bundled = is_bundled
        self._known: dict[tuple[str, str], Resolution] = {}

    async def cost(self, transaction: Transaction, event: UsageEvent, usage: Usage) -> Cost:
        """Return what *usage* costs: by the model asked for, else by the one that answered, as when it was recorded."""
        at_ns = nanoseconds(event.started_at)
        for name in (event.request_model, event.response_model):
            if name is None:
                continue
            found = (await self._resolution(transaction, name, event.provider_name)).of(event.key_id, event.project_id)
            cost = UNPRICED if found is None else found.tariff.cost(usage, at_ns)
            if cost.nanousd is not None:
                return cost
        return UNPRICED

    async def _resolution(self, transaction: Transaction, name: str, provider: str) -> Resolution:
        key = name, provider
        if key not in self._known:
            self._known[key] = await resolution(transaction, name, provider or None, is_bundled=self._is_bundled)
        return self._known[key]
