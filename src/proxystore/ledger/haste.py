"""Threads that get their turn soon, while the writer has much to do.

A thread that has waited for something, as every thread does that talks to a socket or to SQLite, then waits for the
interpreter's lock until whoever computes has had it for five milliseconds. While a full journal is written down there
is always somebody who computes: a transaction of three steps took fifteen milliseconds more, with SQLite's lock in its
hands, and each turn of the event loop five. So for that time the switch interval is a tenth of that.
"""

from __future__ import annotations

import sys
from threading import Lock
from typing import Final

_INTERVAL: Final = 0.000_5  # seconds
_guard: Final = Lock()
_hasty: Final[set[int]] = set()
_usual: Final[list[float]] = []


class Haste:
    """One who has much to do, or not; as long as anybody has, threads switch often."""

    def set(self, *, is_on: bool) -> None:
        """Say which; from any thread."""
        if is_on != (id(self) in _hasty):
            with _guard:
                _begin(self) if is_on else _end(self)


def _begin(haste: Haste) -> None:
    if not _hasty:
        _usual[:] = [sys.getswitchinterval()]
        sys.setswitchinterval(min(_INTERVAL, *_usual))
    _hasty.add(id(haste))


def _end(haste: Haste) -> None:
    _hasty.discard(id(haste))
    if not _hasty:
        sys.setswitchinterval(*_usual)
