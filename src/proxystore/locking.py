"""Locks whose holders wait in a queue: between tasks, and between all processes of a host."""

from __future__ import annotations

import asyncio
import fcntl
import os
from concurrent.futures import Future
from pathlib import Path
from threading import Lock, Thread
from types import TracebackType
from typing import Final, Self
from weakref import WeakSet

from proxystore.errors import StoreBusy

_PATIENCE: Final = 5.0


class TaskLock:
    """A lock between the tasks of one event loop, who get it in the order they came."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()

    async def acquire(self, deadline: float = _PATIENCE) -> None:
        """Take it when its turn has come.

        Args:
            deadline: How many seconds to wait at most.

        Raises:
            StoreBusy: Others held it for that long.
        """
        try:
            async with asyncio.timeout(deadline):
                await self._lock.acquire()
        except TimeoutError:
            raise StoreBusy from None

    def pass_on(self) -> None:
        """Do nothing: there are no other processes."""

    def release(self) -> None:
        """Let the next one in; harmless when nobody holds it."""
        if self._lock.locked():
            self._lock.release()


class HostLock:
    """A lock between all processes of a host: ``flock`` on a file of its own, which the kernel frees when they die.

    Use one object in one event loop (``async with lock:``; its tasks get it in the order they came) or in one thread
    (``with lock:``, or `try_acquire` and `release`).
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: int | None = None
        self._tasks = TaskLock()
        self._guard = Lock()
        self._waiting: Future[None] | None = None
        self._is_wanted = False
        self._is_held = False
        self._is_closed = False
        _locks.add(self)

    @property
    def is_held(self) -> bool:
        """Whether it is held through this object."""
        return self._is_held

    def try_acquire(self) -> bool:
        """Take it if it is free, and say whether it was.

        Raises:
            OSError: The file cannot be opened or locked.
        """
        with self._guard:
            if self._is_held or self._waiting is not None:
                return False
            try:
                fcntl.flock(self._open(), fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            self._is_held = True
            return True

    async def acquire(self, deadline: float = _PATIENCE) -> None:
        """Take it when its turn has come; the event loop goes on meanwhile.

        Args:
            deadline: How many seconds to wait at most.

        Raises:
            OSError: The file cannot be opened or locked.
            StoreBusy: Others held it for that long.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + deadline
        await self._tasks.acquire(deadline)
        try:
            if not self.try_acquire():
                await self._wait(until - loop.time())
        except BaseException:
            self._tasks.release()
            raise

    def pass_on(self) -> None:
        """Let other processes in, from any thread; `release` is still owed, before other tasks come."""
        self._unlock()

    def release(self) -> None:
        """Let the next one in; harmless when nobody holds it."""
        self._unlock()
        self._tasks.release()

    def close(self) -> None:
        """Give it up and forget the file, once a thread that waits for it is done; harmless when done twice."""
        self._unlock()
        with self._guard:
            self._is_closed = True
            self._forget()

    def forget_parent(self) -> None:
        """Let go of the file in a forked child, where it would stay locked when the parent, who has it, has died."""
        self._guard, self._tasks = Lock(), TaskLock()  # the parent's tasks and threads may hold the old ones
        self._waiting = None
        self._is_wanted = self._is_held = False
        self._forget()

    def __enter__(self) -> Self:
        if not self.try_acquire():
            self._wanted().result()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._unlock()

    async def __aenter__(self) -> Self:
        await self.acquire()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.release()

    def _forget(self) -> None:
        if self._file is not None and self._waiting is None:
            os.close(self._file)
            self._file = None

    def _open(self) -> int:
        self._is_closed = False
        if self._file is None:
            self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        return self._file

    def _unlock(self) -> None:
        with self._guard:
            if self._is_held:
                self._is_held = False
                fcntl.flock(self._open(), fcntl.LOCK_UN)

    async def _wait(self, seconds: float) -> None:
        waiting = self._wanted()
        woken = asyncio.wrap_future(waiting)
        try:
            await asyncio.wait((woken,), timeout=max(seconds, 0.0))
        except BaseException:
            if not self._give_up():
                self._unlock()
            raise
        finally:
            woken.cancel()  # the thread may come back after this loop has closed
        if self._give_up():
            raise StoreBusy
        waiting.result()

    def _wanted(self) -> Future[None]:
        # Only one thread ever waits for the kernel, and who gives up leaves it to the next: it cannot be told to stop,
        # and one for each who gave up would pile up behind a holder that is frozen.
        with self._guard:
            self._is_wanted = True
            if self._waiting is None:
                self._waiting = Future()
                self._waiting.set_running_or_notify_cancel()  # from here on it cannot be cancelled
                Thread(target=self._block, args=(self._waiting,), name=f"wait-{self.path.name}", daemon=True).start()
            return self._waiting

    def _give_up(self) -> bool:
        """Stop waiting; ``False`` if the wait was over."""
        with self._guard:
            self._is_wanted = False
            return self._waiting is not None

    def _block(self, waiting: Future[None]) -> None:
        try:
            fcntl.flock(self._open(), fcntl.LOCK_EX)
        except OSError as error:
            self._arrive(is_held=False)
            waiting.set_exception(error)
        else:
            self._arrive(is_held=True)
            waiting.set_result(None)

    def _arrive(self, *, is_held: bool) -> None:
        with self._guard:
            is_closed = self._is_closed
            self._waiting = None
            self._is_held = is_held and self._is_wanted
            if is_held and not self._is_wanted:
                fcntl.flock(self._open(), fcntl.LOCK_UN)
            if is_closed and not self._is_held:
                self._forget()


_locks: Final[WeakSet[HostLock]] = WeakSet()


def _after_fork() -> None:
    for lock in list(_locks):
        lock.forget_parent()


os.register_at_fork(after_in_child=_after_fork)
