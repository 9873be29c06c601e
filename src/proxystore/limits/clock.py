"""Which time it is: the wall's, which somebody may set, and one that runs on through any pause."""

from __future__ import annotations

import time
from typing import Final

_SINCE_BOOT: Final = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Clock:
    """The clocks of this host.

    Attributes:
        ahead_ms: By how many milliseconds the database's clock is believed to be ahead of what it says; a test turns
            it.
    """

    ahead_ms = 0

    def elapsed(self) -> float:
        """Return seconds since the host was started, those that it slept too."""
        return time.clock_gettime(_SINCE_BOOT)

    def now_ns(self) -> int:
        """Return nanoseconds since 1970."""
        return time.time_ns()
