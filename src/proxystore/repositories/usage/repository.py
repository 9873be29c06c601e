"""Who used what."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from proxystore.database import Database
from proxystore.errors import UsageEventNotFound
from proxystore.records import UsageEvent, UsageSummary
from proxystore.repositories.usage import ranges
from proxystore.repositories.usage.events import FIND, list_query
from proxystore.repositories.usage.summaries import Grouping, merged, summary_query
from proxystore.values import Outcome


class UsageRepository:
    """Every exchange that was recorded, one by one and summed up. The ledger writes it, nobody else does."""

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

    async def summary(
        self, by: Grouping, *, since: datetime | None = None, until: datetime | None = None
    ) -> list[UsageSummary]:
        """Sum up what was used, from roll-ups alone: no event is read, however many there are.

        Periods come in order of time, other groups the most used first.

        Args:
            by: What to group by.
            since: Where the range begins, inclusive; ``None`` is the beginning.
            until: Where it ends, exclusive; ``None`` is now.

        Raises:
            InvalidRecord: An end of the range is not a full hour; or not midnight (UTC) and more than 90 days ago, of
                which only whole days are known (so is a summary by hour that goes back further).
        """
        span = ranges.hours(since, until) if by == "hour" else ranges.span(since, until)
        return merged(await self._database.fetch_all(summary_query(by), **span.bounds))

    async def list(
        self,
        *,
        limit: int,
        before: UUID | None = None,
        model: str | None = None,
        key: str | None = None,
        project: str | None = None,
        outcome: Outcome | None = None,
    ) -> list[UsageEvent]:
        """Return events, newest first.

        Args:
            limit: How many at most.
            before: Only those older than the event with this id: the last one of the page before.
            model: Only those that asked for this model, or were answered by it.
            key: Only those of the key with this id.
            project: Only those of the project with this id.
            outcome: Only those that ended so.
        """
        given = {"before": before, "model": model, "key": key, "project": project, "outcome": outcome}
        filters = {name: value for name, value in given.items() if value is not None}
        return await self._database.fetch_all(list_query(frozenset(filters)), limit=limit, **filters)
