"""Moments as people write them on a command line."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

_AGO: Final = re.compile(r"(\d{1,6})([smhdw])")
_UNITS: Final = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}


def moment(text: str) -> datetime:
    """Return the time that *text* names: ``2026-11-01``, ``2026-11-01T14:00:05``, ``10m``, ``24h`` or ``7d`` (ago).

    UTC, unless a date says otherwise.

    Raises:
        ValueError: It names none.
    """
    ago = _AGO.fullmatch(text.strip())
    try:
        if ago is not None:
            return datetime.now(UTC) - int(ago[1]) * _UNITS[ago[2]]
        found = datetime.fromisoformat(text.strip())
    except (OverflowError, ValueError):
        raise ValueError(f"{text!r} is neither a date such as 2026-11-01T14:00, nor 10m, 24h or 7d") from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
