"""Segments that are written down stay for a while: a database that lost its last commits gets them again."""

from __future__ import annotations

import time
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Final

KEEP: Final = 300.0
"""Seconds for which a segment stays after its last entry."""
_MOST_KEPT: Final = 64 * 1024 * 1024
_LOOK_AGAIN: Final = 1.0  # seconds until files are asked again how old they are: there may be thousands


class Keeping:
    """The segments that are done with, until they are removed: after *seconds*, or sooner where they are too many."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._sizes: dict[Path, int] = {}
        self._look_at = 0.0

    @property
    def paths(self) -> AbstractSet[Path]:
        """What is kept."""
        return self._sizes.keys()

    def add(self, path: Path, size: int) -> None:
        """Keep one."""
        self._sizes[path] = size

    def forget(self) -> None:
        """Let it be found out again what is done with."""
        self._sizes.clear()

    def sweep(self) -> None:
        """Remove what has been kept for long enough."""
        kept = sum(self._sizes.values())
        if kept <= _MOST_KEPT and time.monotonic() < self._look_at:
            return
        self._look_at = time.monotonic() + min(_LOOK_AGAIN, self._seconds)
        for path in sorted(self._sizes):  # the oldest of each host first
            if kept > _MOST_KEPT or is_old(path, self._seconds):
                kept -= self._sizes.pop(path)
                path.unlink(missing_ok=True)


def is_old(path: Path, age: float) -> bool:
    """Return whether nobody has written to *path* for *age* seconds, or it is gone."""
    try:
        return time.time() - path.stat().st_mtime >= age
    except FileNotFoundError:
        return True
