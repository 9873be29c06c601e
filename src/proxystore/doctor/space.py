"""Is the disk nearly full?"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Final

from proxystore.directories import existing
from proxystore.doctor.finding import Finding, ok, problem, warning
from proxystore.doctor.places import directories
from proxystore.settings import Settings

_MIB: Final = 1024 * 1024
_SCARCE: Final = 1024 * _MIB
_TOO_LITTLE: Final = 64 * _MIB  # a few segments of the journal


def check(settings: Settings) -> Iterator[Finding]:
    """Look how much is free where we keep things."""
    for place in directories(settings):
        free = shutil.disk_usage(existing(place)).free
        told = f"{place} has {free / _MIB:,.0f} MiB left"
        if free >= _SCARCE:
            yield ok("space", told)
        elif free >= _TOO_LITTLE:
            yield warning("space", told, f"make room; see df -h {place}")
        else:
            yield problem("space", f"{told}: usage cannot be recorded for long", f"make room; see df -h {place}")
