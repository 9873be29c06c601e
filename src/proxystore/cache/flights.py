"""Who fetches what nobody has yet: one of all who ask, in this process and in the others of the host.

Between processes a byte of a file is locked for each key (POSIX record locks): the kernel frees it when its holder
dies, whatever it died of.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from proxystore.cache import places

_FORGOTTEN: Final = 600.0
_FIRST_LOOK: Final = 0.005
_LAST_LOOK: Final = 0.1


class Flight:
    """What one of all who ask has taken upon itself; to be ended, however it went."""

    __slots__ = ("_flights", "_is_hopeless", "_key", "_landed", "started_at")

    def __init__(self, flights: Flights, key: bytes) -> None:
        self._flights = flights
        self._key = key
        self._landed: asyncio.Future[None] | None = None  # made for the first who waits
        self._is_hopeless: bool | None = None
        self.started_at = time.monotonic()

    def end(self, *, is_hopeless: bool = False) -> None:
        """Let those who wait look what there is; *is_hopeless* if they would wait for nothing next time either."""
        if self._is_hopeless is None:
            self._is_hopeless = is_hopeless
            if self._landed is not None:
                self._landed.set_result(None)
            self._flights.forget(self._key, self)

    async def wait(self, seconds: float) -> bool:
        """Wait until it has ended, *seconds* at most; return whether it has, and to ask again is worth it."""
        if self._is_hopeless is None:
            if self._landed is None:
                self._landed = asyncio.get_running_loop().create_future()
            await asyncio.wait((self._landed,), timeout=seconds)
        return self._is_hopeless is False


class Flights:
    """The flights that this process knows of.

    Args:
        file: Returns the file whose bytes are locked.
    """

    def __init__(self, file: Callable[[], Path]) -> None:
        self._path = file
        self._file: int | None = None
        self._flights: dict[bytes, Flight] = {}
        self._watchers: set[asyncio.Task[None]] = set()
        self._process = os.getpid()

    def lead(self, key: bytes) -> Flight | None:
        """Return a flight for who is to fetch *key*; ``None`` where somebody else does, see `follow`."""
        if self._process != os.getpid():
            self.close()
            self._process = os.getpid()
        known = self._flights.get(key)
        if known is not None and not self._is_forgotten(known):
            return None
        flight = Flight(self, key)
        self._flights[key] = flight
        if self._lock(key):
            return flight
        task = asyncio.get_running_loop().create_task(self._watch(key, flight))
        self._watchers.add(task)
        task.add_done_callback(self._watchers.discard)
        return None

    async def follow(self, key: bytes, seconds: float) -> bool:
        """Wait, *seconds* at most, until *key* has been fetched or not; return whether to ask again is worth it."""
        flight = self._flights.get(key)
        return flight is None or await flight.wait(seconds)

    def forget(self, key: bytes, flight: Flight) -> None:
        """Let the next one lead (for `Flight`)."""
        if self._flights.get(key) is flight:  # else it took too long, and another one leads
            del self._flights[key]
            if self._file is not None:
                with suppress(OSError):
                    fcntl.lockf(self._file, fcntl.LOCK_UN, 1, _place(key))

    def close(self) -> None:
        """Give up every flight."""
        for task in self._watchers:
            with suppress(RuntimeError):  # its loop is closed
                task.cancel()
        self._watchers.clear()
        self._flights.clear()
        file, self._file = self._file, None
        if file is not None:
            os.close(file)

    async def _watch(self, key: bytes, flight: Flight) -> None:
        """Wait for another process."""
        pause = _FIRST_LOOK
        while not self._lock(key):
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, _LAST_LOOK)
        flight.end()

    def _lock(self, key: bytes) -> bool:
        """Return whether no other process has *key*, as far as that can be told."""
        try:
            if self._file is None:
                self._file = _opened(self._path())
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _place(key))
        except BlockingIOError:
            return False
        except OSError:  # no such file to be had: then each process asks for itself
            return True
        return True

    def _is_forgotten(self, flight: Flight) -> bool:
        return time.monotonic() - flight.started_at > _FORGOTTEN


def _opened(path: Path) -> int:
    places.make_root(path.parent)  # nobody may have opened a cache there yet
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


def _place(key: bytes) -> int:
    return int.from_bytes(key[:8].ljust(8, b"\0")) >> 2
