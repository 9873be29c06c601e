"""A process of its own that appends to a ledger until it is told to stop, or killed.

    python -m tests.ledger.process DATABASE_URL DATA_DIR

Writes a line for each begin and each end once it is journaled, as a client would see it.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from proxystore.ledger import Ledger
from proxystore.settings import Settings
from tests.ledger.world import begin, entry


async def _work(settings: Settings) -> None:
    ledger = Ledger(settings)
    await ledger.open()
    os.write(1, b"O\n")
    stopped = asyncio.create_task(asyncio.to_thread(sys.stdin.read))
    while not stopped.done():
        started = begin()
        ledger.begin(started)
        os.write(1, b"B %s\n" % started.event_id.hex.encode())
        await asyncio.sleep(0)
        ledger.append(entry(event_id=started.event_id))
        os.write(1, b"E %s\n" % started.event_id.hex.encode())
        await asyncio.sleep(0.0005)
    await ledger.close()


if __name__ == "__main__":
    asyncio.run(_work(Settings(database_url=sys.argv[1], data_dir=Path(sys.argv[2]))))
