"""What callers are told of limits: how much is left, and when to come back."""

from __future__ import annotations

from typing import Final

from proxystore.limits.plans import Plan
from proxystore.limits.pool import Pool
from proxystore.limits.reservation import Exhausted
from proxystore.values import Quota

_MINUTE: Final = 60.0
_NS: Final = 10**9
_SOON: Final = 1.0


def exhausted(pool: Pool, need: int, now: float, now_ns: int) -> Exhausted:
    """Return why *need* cannot be had of *pool*: it was used, or it is promised to others, who may leave something."""
    if pool.span is not None and need <= min(pool.unspent, pool.limit.amount):
        return Exhausted(limit=pool.limit, remaining=remaining(pool), retry_after=_SOON, cause="held")
    return Exhausted(limit=pool.limit, remaining=remaining(pool), retry_after=_retry_after(pool, need, now, now_ns))


def unavailable(pool: Pool) -> Exhausted:
    """Return that nobody can tell what is left of *pool*."""
    return Exhausted(limit=pool.limit, remaining=remaining(pool), retry_after=_SOON, cause="unavailable")


def quotas(plan: Plan, now: float, now_ns: int) -> tuple[Quota, ...]:
    """Return for requests and for tokens the limit that callers are told of: the one that refills soonest."""
    told: dict[str, Quota] = {}
    for pool in plan.pools:
        unit = pool.limit.unit
        if unit != "nanousd" and unit not in told and pool.span != "ever":
            told[unit] = Quota(
                unit=unit, amount=pool.limit.amount, remaining=remaining(pool), resets_in=_resets_in(pool, now, now_ns)
            )
    return tuple(told.values())


def remaining(pool: Pool) -> int:
    """Return what is left, as far as this process knows."""
    return max(0, min(pool.limit.amount, pool.rest + pool.free))


def _resets_in(pool: Pool, now: float, now_ns: int) -> float:
    """Return in how many seconds all of it is there again, if nobody asks for more."""
    if pool.span is not None:
        return max(0.0, (pool.until_ns - now_ns) / _NS)
    left = max(0.0, pool.usable_until - now)
    if pool.current:
        return left + _MINUTE
    return left if pool.previous else 0.0


def _retry_after(pool: Pool, need: int, now: float, now_ns: int) -> float | None:
    """Return in how many seconds *need* can be had, if nobody else asks."""
    if need > pool.limit.amount or pool.span == "ever":
        return None
    if pool.span is not None:
        return max(0.0, (pool.until_ns - now_ns) / _NS)
    left = max(0.0, pool.usable_until - now)
    room = pool.limit.amount - need
    if pool.current <= room and pool.previous:  # what is seen of the minute before is in the way
        return max(0.0, min(left, _until(pool.previous, room - pool.current) - (_MINUTE - left)))
    return left + _until(pool.current, room)


def _until(amount: int, room: int) -> float:
    """Return how far into the next minute no more than *room* is seen of *amount*."""
    return 0.0 if amount <= room else _MINUTE * (1 - room / amount)
