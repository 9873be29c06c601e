"""What limits mean in terms of pools, remembered: principals come with the same ones again and again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypeAlias
from weakref import WeakValueDictionary

from proxystore.limits.pool import UNITS, Pool
from proxystore.values import Limit

Limits: TypeAlias = tuple[Limit, ...]

_MOST_ALIKE: Final = 10_000
_WINDOWS: Final = ("minute", "ever", "day", "month")
_END_OF_TIME: Final = 2**62


class Plan:
    """The pools of one set of limits.

    Attributes:
        limits: What it was made of.
        pools: In the order in which they stand in the way: rates, then counts, then money.
        has_budget: Whether something of it is held.
        since_ns, until_ns: The times of requests that it is for.
    """

    __slots__ = ("has_budget", "limits", "pools", "since_ns", "until_ns")

    def __init__(self, limits: Limits, pools: tuple[Pool, ...]) -> None:
        self.limits = limits
        self.pools = pools
        self.has_budget = any(pool.span is not None for pool in pools)
        self.since_ns = max((pool.since_ns for pool in pools), default=0)
        self.until_ns = min((pool.until_ns for pool in pools), default=_END_OF_TIME)

    @property
    def is_idle(self) -> bool:
        """Whether nothing of it is in use."""
        return all(pool.is_idle for pool in self.pools)


class Plans:
    """Every plan that was asked for lately; those not in use make room for others, a few at a time."""

    def __init__(self, most: int = 10_000) -> None:
        self._most = most
        self._plans: dict[Limits, Plan] = {}
        self._alike: dict[int, Plan] = {}
        # A pool is there once, for as long as a plan, a request or a question has it: two would answer for each other.
        self._pools: WeakValueDictionary[tuple[str, str, str, int], Pool] = WeakValueDictionary()

    def __len__(self) -> int:
        return len(self._plans)

    def find(self, limits: Limits) -> Plan | None:
        """Return the plan that was made of *limits* last."""
        plan = self._alike.get(id(limits))
        if plan is not None and plan.limits is limits:
            return plan
        return self._plans.get(limits)

    def get(self, limits: Limits, at_ns: int) -> tuple[Plan, list[Pool]]:
        """Return the plan of *limits* for a request of that time, and the pools whose limit has been lowered."""
        known = self.find(limits)
        if known is not None and known.since_ns <= at_ns < known.until_ns:
            return known, []
        wanted = _strictest(limits)
        pools = tuple(self._pool(limit, at_ns) for limit in wanted)
        lowered = [pool for pool, limit in zip(pools, wanted, strict=True) if limit.amount < pool.limit.amount]
        self._change(pools, wanted)
        plan = self._plans[limits] = Plan(limits, pools)
        if len(self._alike) >= _MOST_ALIKE:
            self._alike.clear()
        self._alike[id(limits)] = plan
        self._make_room()
        return plan, lowered

    def _pool(self, limit: Limit, at_ns: int) -> Pool:
        fresh = Pool(limit, at_ns)
        return self._pools.setdefault((limit.owner, limit.unit, limit.window, fresh.period), fresh)

    def _change(self, pools: Sequence[Pool], limits: Sequence[Limit]) -> None:
        """Hold *pools* to their *limits* as they are now, and forget the plans that say otherwise."""
        changed = set[Pool]()
        for pool, limit in zip(pools, limits, strict=True):
            if pool.limit.amount != limit.amount:
                pool.limit, pool.refused_until = limit, 0.0
                changed.add(pool)
        memories: tuple[dict[Any, Plan], ...] = (self._plans, self._alike) if changed else ()
        for known in memories:
            for key in [key for key, plan in known.items() if not changed.isdisjoint(plan.pools)]:
                del known[key]

    def _make_room(self) -> None:
        """Forget the one that was made first if it is idle, else look at it again later."""
        for _ in range(2 if len(self._plans) > self._most else 0):
            limits = next(iter(self._plans))
            plan = self._plans.pop(limits)
            if not plan.is_idle:
                self._plans[limits] = plan
                continue
            self._alike.pop(id(plan.limits), None)


def _strictest(limits: Limits) -> list[Limit]:
    """Return *limits* in order, of several for the same thing the least."""
    least: dict[tuple[str, str, str], Limit] = {}
    for limit in limits:
        key = (limit.owner, limit.unit, limit.window)
        if key not in least or limit.amount < least[key].amount:
            least[key] = limit
    return sorted(least.values(), key=_order)


def _order(limit: Limit) -> tuple[bool, int, int]:
    return limit.window != "minute", UNITS.index(limit.unit), _WINDOWS.index(limit.window)
