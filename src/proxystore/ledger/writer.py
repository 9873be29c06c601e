"""The thread the host's writer lives in: nothing of it runs on a request's event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine, Mapping
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from typing import Any, TypeVar
from uuid import UUID

from proxystore.ledger.drainer import Drainer
from proxystore.ledger.host import host_id
from proxystore.ledger.segment import SUFFIX
from proxystore.ledger.tail import Tail

T = TypeVar("T")


class Writer:
    """A thread with an event loop of its own, for as long as the ledger is open; it never keeps the process alive.

    Args:
        directory: Where the segments are.
        store_id: Which of them: those for this database.
        drainer: Makes what runs in the loop, in the thread that runs it.
    """

    def __init__(self, directory: Path, store_id: UUID, drainer: Callable[[], Drainer]) -> None:
        self._directory = directory
        self._store_id = store_id
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
        return await self._ask(self._reach_ends(), deadline) is not None

    async def progress(self, segment_ids: Collection[UUID]) -> Mapping[UUID, int]:
        """Return how far segments are written down, and hurry; nothing where the database does not say."""
        return await self._ask(self.drainer.progress(segment_ids), None) or {}

    async def _ask(self, work: Coroutine[Any, Any, T], deadline: float | None) -> T | None:
        """Have *work* done by the writer; ``None`` if that takes too long, or the writer has ended."""
        try:
            asked = asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))
        except RuntimeError:
            work.close()
            return None
        try:
            await asyncio.wait((asked,), timeout=deadline)
            return asked.result() if asked.done() and not asked.cancelled() else None
        finally:
            asked.cancel()

    def break_off(self) -> None:
        """Have it end soon; what is not written down stays in the journals."""
        with suppress(RuntimeError):  # the loop is closed already
            self._loop.call_soon_threadsafe(self._task.cancel)

    async def gone(self, deadline: float) -> None:
        """Wait until it has ended.

        Args:
            deadline: For how many seconds to wait for a database that does not answer; it is then left alone, with
                a thread that ends when it does.
        """
        await asyncio.to_thread(self._thread.join, deadline)

    async def _reach_ends(self) -> bool:
        await self.drainer.reach(_last_ends(self._directory, self._store_id))
        return True

    def _run(self) -> None:
        with suppress(asyncio.CancelledError):
            asyncio.run(self._main())

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.create_task((drainer := self._make()).run())
        self.drainer = drainer
        self._is_running.set()
        await self._task


def _last_ends(directory: Path, store_id: UUID) -> dict[UUID, int]:
    """Return how far each segment of this host and database must be written down for all its events to be."""
    ends = {}
    for path in directory.glob(f"{host_id()}-*{SUFFIX}"):
        if (tail := Tail.open(path)) is not None:
            if tail.header.store_id == store_id:
                ends[tail.segment_id] = tail.last_end()
            tail.close()
    return {segment_id: end for segment_id, end in ends.items() if end}
