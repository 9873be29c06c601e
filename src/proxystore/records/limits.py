"""What is used of limits."""

from __future__ import annotations

from datetime import datetime

import msgspec


class LimitWindow(msgspec.Struct, frozen=True, kw_only=True):
    """What is used of one limit in one of its windows.

    Attributes:
        owner: Whose limit it is.
        unit: ``requests``, ``tokens`` or ``nanousd``.
        window: ``minute``, ``day``, ``month`` or ``ever``.
        begins_at: When the window began; ``None`` is always, or a minute that slides.
        used: What was used in it; of a minute, what processes have taken for what they let through.
        held: What processes hold of it beside that.
    """

    owner: str
    unit: str
    window: str
    begins_at: datetime | None
    used: int
    held: int
