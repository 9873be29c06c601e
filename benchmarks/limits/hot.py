"""One of eight processes that a hot key comes to: 250 requests a second."""

from __future__ import annotations

import asyncio
import random
import sys
import time
from pathlib import Path

from proxystore import Exhausted, Limit, Reservation, Settings, Store

_LIMITS = (Limit(owner="hot", unit="requests", amount=120_000, window="minute"),)
_RATE = 250


def granted(found: Reservation | Exhausted) -> Reservation:
    """Return *found*, which nothing stood in the way of."""
    if isinstance(found, Exhausted):
        raise SystemExit(f"{found.limit} stands in the way")
    return found


async def _work(settings: Settings, seconds: float) -> None:
    async with Store(settings=settings) as store:
        began, count = time.monotonic(), 0
        while (passed := time.monotonic() - began) < seconds:
            while count < passed * _RATE:
                found = granted(await store.limits.reserve(_LIMITS))
                store.limits.settle(found, requests=1)
                count += 1
            await asyncio.sleep(random.expovariate(_RATE))
        print(count, store.limits.calls)


if __name__ == "__main__":
    asyncio.run(_work(Settings.load(database_url=sys.argv[1], data_dir=Path(sys.argv[2])), float(sys.argv[3])))
