"""A clock for tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

_START: Final = datetime(2026, 1, 1, 12, tzinfo=UTC)


class FakeClock:
    """Stands still until it is moved; its methods go wherever one of `time`'s functions is asked for.

    Attributes:
        now: What it shows.

    Example:
        ```python
        from proxystore.testing.clock import FakeClock

        clock = FakeClock()
        began = clock.monotonic()
        clock.advance(90)
        assert clock.monotonic() - began == 90
        ```
    """

    def __init__(self, now: datetime = _START) -> None:
        self.now = now
        self._elapsed = 0.0

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._elapsed += seconds
        self.now += timedelta(seconds=seconds)

    def jump(self, seconds: float) -> None:
        """Set the wall clock forward or, with a negative number, back: `monotonic` does not notice."""
        self.now += timedelta(seconds=seconds)

    def time(self) -> float:
        """Return seconds since 1970, as `time.time`."""
        return self.now.timestamp()

    def time_ns(self) -> int:
        """Return nanoseconds since 1970, as `time.time_ns`."""
        return round(self.time() * 1_000_000) * 1_000

    def monotonic(self) -> float:
        """Return the seconds that have passed, as `time.monotonic`."""
        return self._elapsed
