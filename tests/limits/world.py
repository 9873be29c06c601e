"""What the tests of limits look at, and a clock they can turn."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select

from proxystore import Store
from proxystore.database import Query
from proxystore.limits import Reservation, Timing
from proxystore.limits.clock import Clock
from proxystore.schema.limits import budget_windows, holds, limit_windows
from proxystore.values import Limit

HASTE = Timing(beat=0.05, fence=0.2, dead=0.3, idle=0.02, deadline=5.0, forget=60.0)
"""As ever, a hundred times as fast."""


class TurnedClock(Clock):
    """A clock that somebody turns."""

    def __init__(self) -> None:
        self.turned_ns = 0
        self.paused = 0.0

    def now_ns(self) -> int:
        return super().now_ns() + self.turned_ns

    def elapsed(self) -> float:
        return super().elapsed() + self.paused


def limit(unit: str = "requests", amount: int = 25, window: str = "ever", owner: str = "key_1") -> Limit:
    return Limit(owner=owner, unit=unit, amount=amount, window=window)  # type: ignore[arg-type]


def reserved(*results: Any) -> list[Reservation]:
    """Return what of *results* was reserved."""
    return [result for result in results if isinstance(result, Reservation)]


async def budget(store: Store, unit: str = "requests") -> tuple[int, int]:
    """Return what is spent and held of the only budget of its unit; fail unless processes hold as much."""
    held = func.coalesce(select(func.sum(holds.c.amount)).where(holds.c.unit == unit).scalar_subquery(), 0)
    query = Query(
        select(budget_windows.c.spent, budget_windows.c.held, held.label("promised")).where(
            budget_windows.c.unit == unit
        ),
        lambda spent, held, promised: (spent, held, int(promised)),
    )
    ((spent, in_hand, promised),) = await store.database.fetch_all(query)
    assert in_hand == promised
    return spent, in_hand


async def counted(store: Store, unit: str = "requests") -> tuple[int, int]:
    """Return what was let through in this minute and the one before."""
    query = Query(
        select(limit_windows.c.current, limit_windows.c.previous).where(limit_windows.c.unit == unit),
        lambda current, previous: (current, previous),
    )
    (row,) = await store.database.fetch_all(query)
    return row
