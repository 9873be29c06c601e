"""The thread the host's writer lives in: nothing of it runs on a request's event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from uuid import UUID

from proxystore.ledger.drainer import Drainer
from proxystore.ledger.host import host_id
from proxystore.ledger.segment import SUFFIX
from proxystore.ledger.tail import Tail


class Writer:
    """A thread with an event loop of its own, for as long as the ledger is open; it never keeps the process alive.

    Args:
        directory: Where the segments are.
        drainer: Makes what runs in the loop, in the thread that runs it.
    """

    def __init__(self, directory: Path, drainer: Callable[[], Drainer]) -> None:
        self._directory = directory
        self._make = drainer
        self._is_running = Event()
        self._thread = Thread(target=self._run, name="proxystore-ledger", daemon=True)
        self._loop: asyncio.AbstractEventLoop
        self._task: asyncio.Task[None]
        self.drainer: Drainer

    def start(self) -> None:
        """Begin; returns once the loop runs."""
        self._thread.start()
        self._is_running.wait()

    async def drain(self, deadline: float) -> bool:
        """Wait until all that is in this host's journals now is in the database.

        Args:
            deadline: How many seconds at most.

        Returns:
            Whether it is.
        """
        reached = asyncio.run_coroutine_threadsafe(self._reach_ends(), self._loop)
        try:
            await asyncio.wait_for(asyncio.wrap_future(reached), deadline)
        except TimeoutError:
            return False
        return True

    async def progress(self, segment_ids: Collection[UUID]) -> Mapping[UUID, int]:
        """Return how far segments are written down, and hurry; nothing where the database does not say."""
        asked = asyncio.run_coroutine_threadsafe(self.drainer.progress(segment_ids), self._loop)
        return await asyncio.wrap_future(asked)

    async def stop(self, deadline: float) -> None:
        """Break off; what is not written down stays in the journals.

        Args:
            deadline: For how many seconds to wait for a database that does not answer; it is then left alone, with
                a thread that ends when it does.
        """
        with suppress(RuntimeError):  # the loop is closed already
            self._loop.call_soon_threadsafe(self._task.cancel)
        await asyncio.to_thread(self._thread.join, deadline)

    async def _reach_ends(self) -> None:
        await self.drainer.reach(_last_ends(self._directory))

    def _run(self) -> None:
        with suppress(asyncio.CancelledError):
            asyncio.run(self._main())

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.create_task((drainer := self._make()).run())
        self.drainer = drainer
        self._is_running.set()
        await self._task


def _last_ends(directory: Path) -> dict[UUID, int]:
    """Return how far each segment of this host must be written down for all its events to be."""
    ends = {}
    for path in directory.glob(f"{host_id()}-*{SUFFIX}"):
        if (tail := Tail.open(path)) is not None:
            ends[tail.segment_id] = tail.last_end()
            tail.close()
    return {segment_id: end for segment_id, end in ends.items() if end}
