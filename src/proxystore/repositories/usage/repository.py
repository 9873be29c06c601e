"""Who used what."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, TypeAlias, TypedDict, TypeVar, Unpack
from uuid import UUID

import msgspec

from proxystore.database import Database, Query
from proxystore.errors import InvalidRecord, UsageEventNotFound
from proxystore.ids import first_id
from proxystore.periods import expect_range
from proxystore.records import CostShare, LatencySummary, UsageEvent, UsageSummary
from proxystore.repositories.usage import labels, ranges
from proxystore.repositories.usage.events import FIND, list_query
from proxystore.repositories.usage.grouping import Filters, Grouping
from proxystore.repositories.usage.latencies import added_up, latency_query
from proxystore.repositories.usage.pseudonyms import pseudonym_key
from proxystore.repositories.usage.summaries import merged, summary_query, total
from proxystore.values import Outcome

Measure: TypeAlias = Literal["requests", "errors", "all_tokens", "cost_nanousd", "saved_nanousd", "latency_ms"]

Summaries: TypeAlias = list[UsageSummary]
Shares: TypeAlias = list[CostShare]
Latencies: TypeAlias = list[LatencySummary]
R = TypeVar("R")
Rows: TypeAlias = list[R]
Report: TypeAlias = Callable[[Grouping, Filters, tuple[ranges.Part, ...]], Query[R]]
"""Makes the statement of a report."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_PAGE: Final = 1_000


class Chosen(TypedDict, total=False):
    """What a report is narrowed to; ``None`` counts as not given."""

    model: str | None
    provider: str | None
    project: str | None
    key: str | None
    credential: str | None
    operation: str | None


class ChosenEvents(Chosen, total=False):
    """What a list of events is narrowed to; times need not be on the hour."""

    outcome: Outcome | None
    end_user: str | None
    since: datetime | None
    until: datetime | None


class UsageRepository:
    """Every exchange that was recorded, one by one and summed up. The ledger writes it, nobody else does.

    Reports are made from roll-ups alone: no event is read, however many there are. Their ranges are half-open and in
    UTC; an end that is not given is the beginning, or now. An end is a full hour, and from before the last 90 days
    midnight, else it is an ``InvalidRecord``; a report by hour goes back 90 days.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, event_id: UUID) -> UsageEvent:
        """Return the event with this id.

        Raises:
            UsageEventNotFound: There is none.
        """
        found = await self._database.fetch_one(FIND, event_id=event_id)
        if found is None:
            raise UsageEventNotFound
        return found

    async def list(self, *, limit: int, before: UUID | None = None, **chosen: Unpack[ChosenEvents]) -> list[UsageEvent]:
        """Return events, newest first.

        Args:
            limit: How many at most.
            before: Only those older than the event with this id: the last one of the page before.
            **chosen: Only those of this ``model`` (asked for, or answered by), ``provider``, ``project``, ``key``,
                ``credential``, ``operation``, ``outcome``, ``end_user``, ``since``, ``until``.
        """
        filters = _filters(chosen) | _given(before=before)
        return await self._database.fetch_all(list_query(frozenset(filters)), limit=limit, **filters)

    async def events(self, *, page: int = _PAGE, **chosen: Unpack[ChosenEvents]) -> AsyncIterator[UsageEvent]:
        """Yield every event, oldest first, a *page* at a time in memory; see :meth:`list`."""
        filters = _filters(chosen)
        while True:
            query = list_query(frozenset(filters), is_oldest_first=True)
            events = await self._database.fetch_all(query, limit=page, **filters)
            for event in events:
                yield event
            if len(events) < page:
                return
            filters = filters | _given(after=events[-1].event_id)

    async def key_names(self, keys: Iterable[str | None]) -> dict[str, str]:
        """Return what *keys* are called, by their ids; callers that only a plugin knows are not in it."""
        return await labels.names(self._database, "key", keys)

    async def summary(
        self, by: Grouping, *, since: datetime | None = None, until: datetime | None = None, **chosen: Unpack[Chosen]
    ) -> Summaries:
        """Sum up what was used by *by*: periods in order of time, other groups the most used first.

        By ``tag``, what a key used is in the group of each of its tags (metadata of type ``tag``), as ``name=value``.
        """
        found = await self._found(summary_query, by, _range(by, since, until), _given(**chosen))
        if by == "tag":
            tags = await labels.tags(self._database, (row.group for row in found))
            found = [msgspec.structs.replace(row, group=tag) for row in found for tag in tags[row.group]]
        return await labels.named(self._database, by, merged(by, found))

    async def total(
        self, *, since: datetime | None = None, until: datetime | None = None, **chosen: Unpack[Chosen]
    ) -> UsageSummary:
        """Sum up everything, such as what one ``key`` used."""
        return total(await self.summary("month", since=since, until=until, **chosen))

    async def monthly(self, key: str, year: int, month: int) -> UsageSummary:
        """Sum up what *key* used in a month, UTC: its days added up, at any time the same answer.

        Raises:
            InvalidRecord: There is no such month.
        """
        since, until = _month(year, month)
        return total(await self.summary("month", since=since, until=until, key=key), f"{year:04}-{month:02}")

    async def months(self, key: str) -> Summaries:
        """Sum up every month in which *key* was used, the first one first."""
        return await self.summary("month", key=key)

    async def top(
        self,
        by: Grouping,
        limit: int,
        *,
        measure: Measure = "requests",
        since: datetime | None = None,
        until: datetime | None = None,
        **chosen: Unpack[Chosen],
    ) -> Summaries:
        """Return the *limit* groups that have the most of *measure*."""
        found = await self.summary(by, since=since, until=until, **chosen)
        return sorted(found, key=lambda group: -getattr(group, measure))[:limit]

    async def error_rates(
        self,
        by: Grouping,
        *,
        at_least: int = 1,
        since: datetime | None = None,
        until: datetime | None = None,
        **chosen: Unpack[Chosen],
    ) -> Summaries:
        """Return groups of *at_least* so many requests, the highest ``error_rate`` first."""
        found = await self.summary(by, since=since, until=until, **chosen)
        enough = (group for group in found if group.requests >= at_least)
        return sorted(enough, key=lambda group: (-group.error_rate, -group.requests))

    async def costs(
        self, by: Grouping, *, since: datetime | None = None, until: datetime | None = None, **chosen: Unpack[Chosen]
    ) -> Shares:
        """Break costs down by *by*, the highest first."""
        found = await self.summary(by, since=since, until=until, **chosen)
        total = sum(group.cost_nanousd for group in found)
        return [_share(group, total) for group in sorted(found, key=lambda group: -group.cost_nanousd)]

    async def savings(
        self, by: Grouping, *, since: datetime | None = None, until: datetime | None = None, **chosen: Unpack[Chosen]
    ) -> Summaries:
        """Return groups that were answered from the cache, those that ``saved`` the most first."""
        found = await self.summary(by, since=since, until=until, **chosen)
        return sorted((group for group in found if group.cache_hits), key=lambda group: -group.saved_nanousd)

    async def latencies(
        self, by: Grouping, *, since: datetime | None = None, until: datetime | None = None, **chosen: Unpack[Chosen]
    ) -> Latencies:
        """Return in how many milliseconds half, 95 % and 99 % of answers were complete, by *by*."""
        found = await self._found(latency_query, by, _range(by, since, until), _given(**chosen))
        if by == "tag":
            tags = await labels.tags(self._database, (part.group for part in found))
            found = [part._replace(group=tag) for part in found for tag in tags[part.group]]
        # In a thread: ten thousand histograms take some milliseconds, for which requests would wait.
        return await labels.named(self._database, by, await asyncio.to_thread(added_up, found))

    async def pseudonym_key(self) -> bytes:
        """Return the secret of this database that end users are hashed with."""
        return await pseudonym_key(self._database)

    async def _found(self, query: Report[R], by: Grouping, wanted: ranges.Range, filters: dict[str, object]) -> Rows[R]:
        if not wanted.parts:
            return []
        return await self._database.fetch_all(query(by, frozenset(filters), wanted.parts), **wanted.bounds, **filters)


def _given(**values: object) -> dict[str, object]:
    return {name: value for name, value in values.items() if value is not None}


def _filters(chosen: ChosenEvents) -> dict[str, object]:
    """Return what is given; times as the ids that begin there."""
    expect_range(chosen.get("since"), chosen.get("until"))
    ids = {name: first_id(_milliseconds(value)) for name, value in chosen.items() if isinstance(value, datetime)}
    return _given(**{**chosen, **ids})


def _milliseconds(moment: datetime) -> int:
    """Return the first millisecond, of those since 1970, that does not begin before *moment*."""
    return max(0, -((_EPOCH - moment) // _MILLISECOND))


def _range(by: Grouping, since: datetime | None, until: datetime | None) -> ranges.Range:
    return ranges.hours(since, until) if by == "hour" else ranges.span(since, until)


def _month(year: int, month: int) -> tuple[datetime, datetime]:
    try:
        return datetime(year, month, 1, tzinfo=UTC), datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
    except ValueError:
        raise InvalidRecord(f"There is no month {month} of {year}.") from None


def _share(group: UsageSummary, total: int) -> CostShare:
    return CostShare(
        group=group.group,
        name=group.name,
        requests=group.requests,
        unpriced=group.unpriced,
        all_tokens=group.all_tokens,
        cost_nanousd=group.cost_nanousd,
        share=group.cost_nanousd / total if total else 0.0,
    )
