"""A process of its own that reserves what it is told to, a hundred times as hasty as ever.

    python -m tests.limits.process DATABASE_URL DATA_DIR

Reads orders as lines of JSON, and answers each with one: ``{"count": 5, "tokens": 10, "settle": 3, "limits": […]}``
reserves five times at once, ten tokens each, settles the first three as if nothing had been used, and answers how many
were reserved.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from uuid import UUID

import msgspec

from proxystore.ids import uuid7
from proxystore.ledger import Begin
from proxystore.limits import Limits, Timing
from proxystore.settings import Settings
from proxystore.store import Store
from proxystore.values import Limit
from tests.limits.world import reserved


class Order(msgspec.Struct):
    limits: tuple[Limit, ...]
    count: int = 1
    tokens: int = 0
    settle: int = 0
    begin: bool = False


async def _obey(limits: Limits, store: Store, order: Order) -> int:
    asked = [limits.reserve(order.limits, tokens=order.tokens) for _ in range(order.count)]
    taken = reserved(*await asyncio.gather(*asked))
    for each in taken[: order.settle]:
        limits.settle(each)
    for each in taken if order.begin else ():
        store.ledger.begin(Begin(event_id=_id(), key_id=order.limits[0].owner, hold=each.hold))
    return len(taken)


def _id() -> UUID:
    return uuid7()


async def _work(settings: Settings) -> None:
    store = Store(settings=settings)
    store.limits.timing = Timing(beat=0.1, fence=0.6, dead=1.0, idle=60.0, deadline=10.0)
    async with store:
        print("ready", flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            print(await _obey(store.limits, store, msgspec.json.decode(line, type=Order)), flush=True)


if __name__ == "__main__":
    asyncio.run(_work(Settings.load(database_url=sys.argv[1], data_dir=Path(sys.argv[2]))))
