"""What owners have used of their limits, for people to look at."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import bindparam, select

from proxystore.database import Database, Query
from proxystore.periods import days_of
from proxystore.records.limits import LimitWindow
from proxystore.schema.limits import budget_windows, limit_windows

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTE: Final = 60


async def windows_of(database: Database, owner: str) -> list[LimitWindow]:
    """Return what *owner* has used: of each rate now, of each budget in every window there is, the latest first."""
    now = time.time()
    rates = await database.fetch_all(_RATES, owner=owner)
    budgets = await database.fetch_all(_BUDGETS, owner=owner)
    return [_rate(row, now) for row in rates] + [_budget(row) for row in budgets]


def _rate(row: dict[str, Any], now: float) -> LimitWindow:
    minute, into = divmod(now, _MINUTE)
    age = int(minute) - row["minute"]
    current, previous = {0: (row["current"], row["previous"]), 1: (0, row["current"])}.get(age, (0, 0))
    seen = current + round(previous * (1 - into / _MINUTE))
    return LimitWindow(owner=row["owner"], unit=row["unit"], window="minute", begins_at=None, used=seen, held=0)


def _budget(row: dict[str, Any]) -> LimitWindow:
    day, _ = days_of(row["span"], row["period"])
    return LimitWindow(
        owner=row["owner"],
        unit=row["unit"],
        window=row["span"],
        begins_at=None if row["span"] == "ever" else _EPOCH + timedelta(days=day),
        used=row["spent"],
        held=row["held"],
    )


def _row(**columns: Any) -> dict[str, Any]:
    return columns


_RATES: Final = Query(
    select(limit_windows).where(limit_windows.c.owner == bindparam("owner")).order_by(limit_windows.c.unit), _row
)
_BUDGETS: Final = Query(
    select(budget_windows)
    .where(budget_windows.c.owner == bindparam("owner"))
    .order_by(budget_windows.c.unit, budget_windows.c.span, budget_windows.c.period.desc()),
    _row,
)
