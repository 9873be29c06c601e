"""Moments as people write them on a command line."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

_AGO: Final = re.compile(r"(\d{1,6})([hdw])")
_UNITS: Final = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_HOURS_KEPT: Final = timedelta(days=90)


def moment(text: str) -> datetime:
    """Return the full hour that *text* names: ``2026-11-01``, ``2026-11-01T14:00``, ``24h``, ``7d`` or ``2w`` (ago).

    What lies so far back that only days are known is the beginning of its day. UTC, unless a date says otherwise.

    Raises:
        ValueError: It names none.
    """
    ago = _AGO.fullmatch(text.strip())
    if ago is None:
        return _dated(text)
    try:
        found = datetime.now(UTC) - int(ago[1]) * _UNITS[ago[2]]
    except OverflowError:
        raise ValueError(f"{text} ago is before the calendar begins") from None
    hour = found.replace(minute=0, second=0, microsecond=0)
    return hour if found > datetime.now(UTC) - _HOURS_KEPT + timedelta(hours=1) else hour.replace(hour=0)


def _dated(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(
            f"{text!r} is neither a date such as 2026-11-01 or 2026-11-01T14:00, nor 24h, 7d or 2w"
        ) from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
