"""Limits: decided here and now from what this process holds; the database is asked when that is not enough."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from proxystore.database import Database
from proxystore.errors import StoreClosed
from proxystore.limits.asking import Asking
from proxystore.limits.clock import Clock
from proxystore.limits.estimating import MOST_OUTPUT, most_tokens
from proxystore.limits.plans import Plan, Plans
from proxystore.limits.pool import Pool, Waiter
from proxystore.limits.reservation import Exhausted, Reservation
from proxystore.limits.telling import exhausted, quotas, unavailable
from proxystore.limits.tenure import Timing
from proxystore.limits.upkeep import Upkeep
from proxystore.records.limits import LimitWindow
from proxystore.repositories.limits import windows_of
from proxystore.settings import Settings
from proxystore.values import Call, Limit, Quota

_MINUTE: Final = 60.0
_log: Final = logging.getLogger(__name__)


class Limits:
    """Reserve before, settle after.

    A process takes a little more than it needs from the database, decides by itself while that lasts, and gives back
    what it does not use. So limits hold across processes and hosts, and a request asks nobody in the usual case.

    Args:
        database: Where windows and budgets are.
        settings: Says what becomes of requests that have a limit while the database is away.
    """

    def __init__(self, database: Database, settings: Settings) -> None:
        self.clock = Clock()
        self.timing = Timing()
        self._database = database
        self._goes_on = settings.limits_when_down == "continue"
        self._plans = Plans()
        self._asking: Asking | None = None
        self._upkeep: Upkeep | None = None
        self._told_at = -_MINUTE
        self._process = 0
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def calls(self) -> int:
        """How often the database was asked for more."""
        return 0 if self._asking is None else self._asking.calls

    def open(self, process_id: UUID, host: str) -> None:
        """Begin, with nothing held.

        Args:
            process_id: Under which to hold; the ledger settles by it.
            host: Where the process runs.
        """
        self._plans = Plans()
        self._asking = Asking(self._database, self.clock, self.timing, process_id, host)
        self._upkeep = Upkeep(self._asking)
        self._told_at = -_MINUTE
        self._process = os.getpid()
        self._loop = asyncio.get_running_loop()

    async def close(self) -> None:
        """Give back what is not in use; what is, is settled by the ledger."""
        asking, upkeep = self._asking, self._upkeep
        self._asking = self._upkeep = None
        if self._process != os.getpid() or self._loop is not asyncio.get_running_loop():
            return  # what the parent holds is the parent's; what another loop held, the next to look gives back
        if upkeep is not None:
            await upkeep.close()
        if asking is not None:
            await asking.close()

    def take(
        self,
        limits: tuple[Limit, ...],
        *,
        requests: int = 1,
        tokens: int = 0,
        nanousd: int = 0,
        at_ns: int | None = None,
    ) -> Reservation | None:
        """Reserve from what this process holds; ``None`` if that is not enough. Takes a microsecond or two."""
        asking = self._asking
        plan = self._plans.find(limits)
        if plan is None or asking is None:
            return None
        now = self.clock.elapsed()
        at_ns = self.clock.now_ns() if at_ns is None else at_ns
        if not plan.since_ns <= at_ns < plan.until_ns or (plan.has_budget and now >= asking.tenure.ends_at):
            return None
        amounts = requests, tokens, nanousd
        for pool in plan.pools:
            if pool.free < amounts[pool.place] or now >= pool.usable_until:
                return None
        for pool in plan.pools:
            need = amounts[pool.place]
            pool.free -= need
            pool.used += need
            pool.out += 1
            pool.used_at = now
            if pool.free < pool.low and not pool.is_wanted:
                asking.want(pool)
        return Reservation(plan.pools, amounts, now)

    async def reserve(
        self,
        limits: tuple[Limit, ...],
        *,
        requests: int = 1,
        tokens: int = 0,
        nanousd: int = 0,
        at_ns: int | None = None,
    ) -> Reservation | Exhausted:
        """Reserve something of each of *limits*, or nothing of any.

        Args:
            limits: What the caller is held to.
            requests: How many; what is counted, be it the request alone.
            tokens: How many at most: what is used beyond that may pass a limit.
            nanousd: How much at most, in nano-dollars.
            at_ns: When the request began, in nanoseconds since 1970: budgets of that day and month are charged.

        Returns:
            What was reserved, to be settled whatever happens, or what stands in the way.

        Raises:
            StoreClosed: Nobody has opened the store.
        """
        taken = self.take(limits, requests=requests, tokens=tokens, nanousd=nanousd, at_ns=at_ns)
        if taken is not None:
            return taken
        if self._asking is None:
            raise StoreClosed
        at_ns = self.clock.now_ns() if at_ns is None else at_ns
        plan, lowered = self._plans.get(limits, at_ns)
        for pool in lowered:
            self._asking.give_up(pool)
        return await self._reserve(plan, (requests, tokens, nanousd), self._asking)

    def settle(self, reservation: Reservation, *, requests: int = 0, tokens: int = 0, nanousd: int = 0) -> None:
        """Say what a request used; the rest comes back. Once is enough, more does no harm; never waits.

        What it used of a budget is spent once the ledger has an entry of it with the reservation's ``hold``.
        """
        if reservation.is_settled:
            return
        reservation.is_settled = True
        used, reserved, at = (requests, tokens, nanousd), reservation.amounts, reservation.at
        for pool in reservation.pools:
            pool.out -= 1
            rest = reserved[pool.place] - used[pool.place]
            if rest == 0:
                continue
            if pool.span is None:
                if rest < 0 or at >= pool.began_at:
                    pool.free += rest
                elif at >= pool.began_at - _MINUTE:  # no minute counts that was before
                    self._return_late(pool, rest)
            elif rest < 0:  # the ledger adds that to what was spent: let there be as much less to spend
                self._give_up(pool, -rest)
            elif at >= pool.began_at:
                pool.free += rest
            if pool.waiting and self._asking is not None:
                self._asking.serve(pool)

    def estimate(self, call: Call, body: bytes, most_output: int = MOST_OUTPUT) -> tuple[int, int]:
        """Return how many tokens a request can read and write at most.

        Args:
            call: What was asked for.
            body: How it was asked, decoded.
            most_output: What an answer has at most, where the caller does not say it.
        """
        return most_tokens(call, body, most_output)

    async def windows(self, owner: str) -> list[LimitWindow]:
        """Return what *owner* has used: of each rate now, of each budget in every window, the latest first."""
        return await windows_of(self._database, owner)

    def quotas(self, limits: tuple[Limit, ...]) -> tuple[Quota, ...]:
        """Return what is left of *limits*, as far as this process knows, for callers to be told."""
        plan = self._plans.find(limits)
        return () if plan is None else quotas(plan, self.clock.elapsed(), self.clock.now_ns())

    def _return_late(self, pool: Pool, rest: int) -> None:
        if self._asking is not None:
            self._asking.return_late(pool, rest)

    def _give_up(self, pool: Pool, amount: int) -> None:
        if self._asking is not None:
            self._asking.give_up(pool, amount)

    async def _reserve(self, plan: Plan, amounts: tuple[int, int, int], asking: Asking) -> Reservation | Exhausted:
        now = self.clock.elapsed()
        for pool in plan.pools:
            if pool.is_refused(amounts[pool.place], now):
                return exhausted(pool, amounts[pool.place], now, self.clock.now_ns())
        waiters = [(pool, asking.set_aside(pool, amounts[pool.place], now)) for pool in plan.pools]
        try:
            await _wait([waiter.future for _, waiter in waiters], self.timing.deadline)
        except BaseException:
            _put_back(waiters, asking)
            raise
        return self._conclude(plan, amounts, waiters, asking)

    def _conclude(
        self, plan: Plan, amounts: tuple[int, int, int], waiters: Sequence[tuple[Pool, Waiter]], asking: Asking
    ) -> Reservation | Exhausted:
        """Return what came of waiting: all or nothing."""
        now = self.clock.elapsed()
        for pool, waiter in waiters:
            if waiter.is_refused:
                _put_back(waiters, asking)
                return exhausted(pool, waiter.need, now, self.clock.now_ns())
        lacking = [pool for pool, waiter in waiters if not waiter.is_served]
        if lacking and now - self._told_at >= _MINUTE:
            self._told_at = now
            self._tell(waiters)
        if lacking and not self._goes_on:
            _put_back(waiters, asking)
            return unavailable(lacking[0])
        pools = plan.pools
        if lacking:
            pools = tuple(pool for pool, waiter in waiters if waiter.is_served or pool.span is None)
        for pool, waiter in waiters:
            if not waiter.is_served:
                waiter.future.cancel()
                if pool.span is None:  # is owed to the window
                    pool.free -= waiter.need
        for pool in pools:
            pool.used += amounts[pool.place]
            pool.out += 1
            pool.used_at = now
        reservation = Reservation(pools, amounts, now)
        reservation.is_backed = not lacking
        reservation.unbacked = tuple(pool for pool in lacking if pool not in pools)
        return reservation

    def _tell(self, waiters: Sequence[tuple[Pool, Waiter]]) -> None:
        """Say why nobody can tell what is left, and what becomes of callers."""
        futures = [waiter.future for _, waiter in waiters]
        errors = (future.exception() for future in futures if future.done() and not future.cancelled())
        reason = next(filter(None, errors), f"no answer within {self.timing.deadline:g} seconds")
        fate = "are let through, and charged afterwards" if self._goes_on else "are refused with 503"
        _log.warning("what is left of limits cannot be told; callers with a limit %s: %s", fate, reason)


async def _wait(futures: Sequence[asyncio.Future[bool]], deadline: float) -> None:
    waiting = [future for future in futures if not future.done()]
    if waiting:
        await asyncio.wait(waiting, timeout=deadline)


def _put_back(waiters: Sequence[tuple[Pool, Waiter]], asking: Asking) -> None:
    for pool, waiter in waiters:
        if waiter.is_served:
            pool.free += waiter.need
            if pool.waiting:
                asking.serve(pool)
        else:
            waiter.future.cancel()
