"""What must hold, whatever happened."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from proxystore.database import Query
from proxystore.ledger import Ledger
from proxystore.schema.usage import usage_events
from proxystore.settings import Settings
from tests.faults.clients import DEADLINE, Log
from tests.ledger.world import database, totals, wait_until

_EVENTS = Query(select(usage_events.c.event_id, usage_events.c.outcome), lambda event_id, outcome: (event_id, outcome))


async def recorded(settings: Settings) -> dict[UUID, str]:
    """Return how each recorded exchange ended."""
    async with database(settings) as opened:
        return dict(await opened.fetch_all(_EVENTS))


async def take_over(settings: Settings) -> None:
    """Start once more, as after a crash, until nothing is left of the dead."""
    ledger = Ledger(settings)
    await ledger.open()
    await wait_until(lambda: ledger.status().caught_up_at is not None, seconds=DEADLINE)
    await ledger.close()


async def assert_counted(settings: Settings, log: Log) -> dict[UUID, str]:
    """Every exchange a client saw the start of is counted once, those it saw the end of as such; sums are sums."""
    events = await recorded(settings)
    assert log.started - events.keys() == set()
    assert {identity: events[identity] for identity in log.ended if events[identity] != "complete"} == {}
    assert (await totals(settings))["requests"] == len(events)
    return events
