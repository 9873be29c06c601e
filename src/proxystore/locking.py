"""A lock between all processes of one host."""

from __future__ import annotations

import asyncio
import fcntl
import os
from concurrent.futures import Future
from pathlib import Path
from threading import Lock, Thread
from types import TracebackType
from typing import Final

from typing_extensions import Self

from proxystore.errors import StoreBusy

_PATIENCE: Final = 5.0


class HostLock:
    """``flock`` on a file of its own: the kernel queues who waits, and frees it when its holder dies.

    One task holds it at a time, those of this object in the order they came. Use it from one event loop, or without
    any: ``with lock:`` waits, ``async with lock:`` waits for at most five seconds.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: int | None = None
        self._turn = asyncio.Lock()
        self._guard = Lock()
        self._waiting: Future[None] | None = None
        self._is_wanted = False
        self._is_held = False

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
        """Take it when its turn has come.

        Args:
            deadline: How many seconds to wait at most.

        Raises:
            OSError: The file cannot be opened or locked.
            StoreBusy: Others held it for that long.
        """
        try:
            async with asyncio.timeout(deadline) as timeout:
                await self._turn.acquire()
        except TimeoutError:
            raise StoreBusy from None
        try:
            if not self.try_acquire():
                await self._wait((timeout.when() or 0.0) - asyncio.get_running_loop().time())
        except BaseException:
            self._turn.release()
            raise

    def release(self) -> None:
        """Let the next one in."""
        with self._guard:
            if not self._is_held:
                return
            self._is_held = False
            fcntl.flock(self._open(), fcntl.LOCK_UN)
        if self._turn.locked():
            self._turn.release()

    def close(self) -> None:
        """Release it and forget the file; harmless when done twice."""
        self.release()
        with self._guard:
            if self._file is not None and self._waiting is None:
                os.close(self._file)
                self._file = None

    def __enter__(self) -> Self:
        if not self.try_acquire():
            self._wanted().result()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.release()

    async def __aenter__(self) -> Self:
        await self.acquire()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.release()

    def _open(self) -> int:
        if self._file is None:
            self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        return self._file

    async def _wait(self, seconds: float) -> None:
        waiting = asyncio.wrap_future(self._wanted())
        try:
            await asyncio.wait((waiting,), timeout=max(seconds, 0.0))
        except BaseException:
            if not self._give_up():
                self.release()
            raise
        if self._give_up():
            raise StoreBusy
        waiting.result()

    def _wanted(self) -> Future[None]:
        # Only one thread ever waits for the kernel: who gives up leaves it to the next. It cannot be told to stop, and
        # one for each who gave up would pile up behind a holder that is frozen.
        with self._guard:
            self._is_wanted = True
            if self._waiting is None:
                self._waiting = Future()
                Thread(target=self._block, args=(self._waiting,), name=f"wait-{self.path.name}", daemon=True).start()
            return self._waiting

    def _block(self, waiting: Future[None]) -> None:
        error: OSError | None = None
        try:
            fcntl.flock(self._open(), fcntl.LOCK_EX)
        except OSError as failure:
            error = failure
        with self._guard:
            self._waiting = None
            self._is_held = error is None and self._is_wanted
            if error is None and not self._is_wanted:
                fcntl.flock(self._open(), fcntl.LOCK_UN)
        if error is None:
            waiting.set_result(None)
        else:
            waiting.set_exception(error)

    def _give_up(self) -> bool:
        """Stop waiting; ``False`` if the wait was over."""
        with self._guard:
            self._is_wanted = False
            return self._waiting is not None
