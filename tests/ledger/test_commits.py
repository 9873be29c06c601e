from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from uuid import UUID

from proxystore.ids import uuid7
from proxystore.ledger import Ledger
from proxystore.ledger.commits import Commits
from proxystore.settings import Settings
from tests.ledger.world import entry


class _Database:
    """Says how far segments are written down, as a test wants it to."""

    def __init__(self) -> None:
        self.acked: dict[UUID, int] = {}
        self.questions = 0

    async def ask(self, segment_ids: Collection[UUID]) -> Mapping[UUID, int]:
        self.questions += 1
        return {name: self.acked[name] for name in segment_ids if name in self.acked}


async def test_a_thousand_who_wait_ask_as_one() -> None:
    database, segment, events = _Database(), uuid7(), [uuid7() for _ in range(1000)]
    commits = Commits(database.ask, 30)
    for place, event in enumerate(events, 1):
        commits.expect(event, (segment, place))
    waiting = [asyncio.create_task(commits.wait(event)) for event in events]
    await asyncio.sleep(0)
    database.acked[segment] = 500
    assert await asyncio.gather(*waiting[:500]) == [True] * 500
    assert not any(task.done() for task in waiting[500:])
    database.acked[segment] = 1000
    assert await asyncio.gather(*waiting) == [True] * 1000
    assert (commits.late, database.questions < 100) == (0, True)


async def test_who_waits_in_vain_is_counted() -> None:
    commits = Commits(_Database().ask, 0.01)
    late, unwritten = uuid7(), uuid7()
    commits.expect(late, (uuid7(), 1))
    commits.expect(unwritten, None)
    assert not await commits.wait(late)
    assert not await commits.wait(unwritten)
    assert commits.late == 2
    assert await commits.wait(uuid7())  # nothing was written of it


async def test_what_is_committed_is_in_the_database(settings: Settings) -> None:
    given = {**settings.model_dump(exclude_unset=True), "durable": "database"}
    first, second = Ledger(Settings(**given)), Ledger(Settings(**given))
    await first.open()
    await second.open()
    for ledger in (first, second):  # one of them is the writer
        ledger.append(event := entry())
        assert await ledger.committed(event.event_id)
        assert await ledger.committed(event.event_id)
    assert first.status().recorded + second.status().recorded == 2
    await second.close()
    await first.close()
