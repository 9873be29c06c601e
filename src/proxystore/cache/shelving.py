"""A shelf that is opened, lost and replaced while requests go on."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from proxystore.cache import places
from proxystore.cache.worker import Overloaded, Worker
from proxystore.errors import ProxyStoreError
from proxystore.locking import HostLock

if TYPE_CHECKING:  # who opens none does not load diskcache
    from proxystore.cache.entry import Entry
    from proxystore.cache.shelf import Shelf

T = TypeVar("T")
logger = logging.getLogger(__name__)

_OPENING: Final = 5.0
_OPENING_QUICKLY: Final = 1.0
_AGAIN: Final = 5.0
_SLOW: Final = 0.02
_VERY_SLOW: Final = 0.25
_SLOW_FOR: Final = 10.0
_READING: Final = 0.25
_inherited: Final[list[object]] = []
"""What a forked process was born with: to close it is to close it under the parent's feet."""


class Shelving:
    """The shelf of one directory, as far as it can be had; asking it never raises.

    Args:
        directory: Returns where it is.
        size_limit: How many bytes it may hold.
        worker: The thread for what may wait.
        on_lost: Called when what was read from it may be wrong.

    Attributes:
        shelf: What is open in this process.
        failures: How often a change was not made, or the shelf could not be had.
    """

    def __init__(
        self, directory: Callable[[], Path], size_limit: int, worker: Worker, on_lost: Callable[[], None]
    ) -> None:
        self.shelf: Shelf | None = None
        self.failures = 0
        self._directory = directory
        self._size_limit = size_limit
        self._worker = worker
        self._on_lost = on_lost
        self._lost: Shelf | None = None
        self._opening: asyncio.Task[None] | None = None
        self._began_at = self._again_at = 0.0
        self._slow_until = 0.0
        self._was_slow = False
        self._said_at = float("-inf")
        self._process = os.getpid()

    @property
    def token(self) -> int:
        """What changes whenever something was replaced or taken out; -1 while nothing can be read."""
        shelf = self.shelf
        if shelf is None:
            return -1
        if self._process != os.getpid():
            self._forget_parent()
            return -1
        token = shelf.token.read()
        if token < 0:
            self.lose(None)
        return token

    @property
    def forgotten_ns(self) -> int:
        """When something was last forgotten on purpose; 0 is never, or nobody can tell."""
        return 0 if self.shelf is None else self.shelf.forgotten_ns

    def look(self) -> None:
        """See whether the shelf is where it was: something has been changed."""
        if self.shelf is not None and not self.shelf.token.is_in_place():
            self.lose(None)

    async def open(self) -> bool:
        """Open the shelf, or wait for whoever does; return whether it can be had."""
        if self._process != os.getpid():
            self._forget_parent()
        if self.shelf is None and time.monotonic() >= self._again_at:
            await asyncio.wait((self._begin(),), timeout=_OPENING)
        return self.shelf is not None

    async def open_quickly(self) -> bool:
        """Open the shelf, and wait until a second after that was begun; return whether it can be had."""
        if self.shelf is None and time.monotonic() >= self._again_at:
            opening = self._begin()
            left = self._began_at + _OPENING_QUICKLY - time.monotonic()
            if left > 0:
                await asyncio.wait((opening,), timeout=left)
        return self.shelf is not None

    @property
    def is_quick(self) -> bool:
        """Whether it may be read in the event loop: a disk that is slow may not."""
        return self._slow_until == 0.0

    def read(self, key: bytes) -> Entry | None:
        """Return the entry of *key*; reads the disk."""
        shelf = self.shelf
        if shelf is None:
            return None
        started = time.perf_counter()
        try:
            return shelf.get(key)
        except Exception as error:  # noqa: BLE001  whatever a file may do to its readers
            self.lose(error)
            return None
        finally:
            self._judge(time.perf_counter() - started)

    async def read_slowly(self, key: bytes) -> Entry | None:
        """Return the entry of *key*, read in the thread; ``None`` if that takes too long."""
        shelf = self.shelf
        if shelf is None:
            return None
        started = 0.0

        def get() -> Entry | None:
            nonlocal started
            started = time.perf_counter()
            return shelf.get(key)

        with suppress(TimeoutError):
            async with asyncio.timeout(_READING):
                entry = await self._run(shelf, get)
                self._judge(time.perf_counter() - started)
                return entry
        return None

    async def change(self, work: Callable[[Shelf], T]) -> T | None:
        """Have the thread do *work* with the shelf; ``None`` if it was not done."""
        if not await self.open() or self.shelf is None:
            return None
        shelf = self.shelf
        return await self._run(shelf, lambda: work(shelf))

    async def close(self) -> None:
        """Let go of the files."""
        if self._process != os.getpid():
            self._forget_parent()
        if self._opening is not None and not self._opening.get_loop().is_closed():
            await asyncio.wait((self._opening,), timeout=_OPENING)
        for shelf in {self.shelf, self._lost} - {None}:
            assert shelf is not None  # noqa: S101
            with suppress(Overloaded, TimeoutError):
                async with asyncio.timeout(_OPENING):
                    await self._worker.run(shelf.close)
            shelf.close()
            shelf.let_go()
        self.shelf = self._lost = self._opening = None
        self._again_at = 0.0

    def lose(self, error: BaseException | None) -> None:
        """Let go of a shelf that is damaged, deleted or replaced; the next one to ask has another opened."""
        shelf, self.shelf = self.shelf, None
        self._on_lost()
        if shelf is not None:
            shelf.close()
            self._lost = shelf
            self._again_at = 0.0
            self._say("the cache in %s is begun anew: %s", self._directory(), error or "its files are gone")

    async def _run(self, shelf: Shelf, work: Callable[[], T]) -> T | None:
        from proxystore.cache.shelf import Broken

        try:
            return await self._worker.run(work)
        except Broken as error:
            if self.shelf is shelf:
                self.lose(error)
        except Exception as error:  # noqa: BLE001  a cache keeps nobody from anything
            self._say("the cache in %s could not be changed: %s", self._directory(), error or type(error).__name__)
        return None

    def _begin(self) -> asyncio.Task[None]:
        opening = self._opening
        if opening is None or opening.done() or opening.get_loop() is not asyncio.get_running_loop():
            opening = self._opening = asyncio.get_running_loop().create_task(self._open())
            self._began_at = time.monotonic()
        return opening

    async def _open(self) -> None:
        lost, self._lost = self._lost, None
        started = time.perf_counter()
        try:
            shelf = await self._worker.run(lambda: _opened(self._directory(), self._size_limit, lost))
        except Exception as error:  # noqa: BLE001
            self._again_at = time.monotonic() + _AGAIN
            self._say("nothing can be cached in %s: %s", self._directory(), error)
            return
        self._judge((time.perf_counter() - started) / 20)
        if self.is_quick:
            shelf.warm()
        self.shelf = shelf

    def _judge(self, seconds: float) -> None:
        """Take note of how long a read took: once may be because somebody else had the processor."""
        is_slow = seconds > _SLOW
        if is_slow and (self._was_slow or seconds > _VERY_SLOW):
            if self.is_quick:
                self._say("the disk of %s is slow: it is read in a thread", self._directory())
            self._slow_until = time.monotonic() + _SLOW_FOR
        elif not is_slow and self._slow_until and time.monotonic() > self._slow_until:
            self._slow_until = 0.0
        self._was_slow = is_slow

    def _say(self, message: str, *arguments: object) -> None:
        self.failures += 1
        if time.monotonic() - self._said_at > 60:  # once a minute is enough
            self._said_at = time.monotonic()
            logger.warning(message, *arguments)

    def _forget_parent(self) -> None:
        _inherited.extend(shelf for shelf in (self.shelf, self._lost) if shelf is not None)
        self._process = os.getpid()
        self.shelf = self._lost = self._opening = None
        self._worker.forget_parent()
        self._on_lost()


def _opened(directory: Path, size_limit: int, lost: Shelf | None) -> Shelf:
    """Return an open shelf, in place of *lost* if that was broken, and of what cannot be opened."""
    from proxystore.cache.shelf import Broken, Shelf

    root = directory.parent
    places.make_root(root)
    with HostLock(root / "opening.lock") as lock:
        try:
            if lost is not None:
                lost.close()
                if lost.token.is_in_place():
                    places.move_aside(directory)
                lost.let_go()
            try:
                return Shelf(directory, size_limit)
            except Broken:
                places.move_aside(directory)
                return Shelf(directory, size_limit)
        except Broken as error:
            raise ProxyStoreError(str(error)) from error
        finally:
            lock.close()
