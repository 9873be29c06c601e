"""What a process asks the database for, and gives back to it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from proxystore.database import Database
from proxystore.errors import StoreError
from proxystore.limits import budgets, rates
from proxystore.limits.clock import Clock
from proxystore.limits.desk import Answer, Desk
from proxystore.limits.pool import Pool, Waiter
from proxystore.limits.tenure import Tenure, Timing
from proxystore.repositories.limits import BudgetKey, give_back

_EVERYTHING: Final = 2**60
_MOST_OWED: Final = 2**40  # to a minute: no number of an upstream's is to be more than a database can hold
_CERTAINLY_SETTLED: Final = 50  # times as long as it takes for something to be idle


class Asking:
    """Two desks, for rates and for budgets, and the way back.

    Attributes:
        tenure: This process's right to what it holds.
        active: Pools that something has been taken from, or is owed to.
        stirred: Set when there is something to look after.
    """

    def __init__(self, database: Database, clock: Clock, timing: Timing, process_id: UUID, host: str) -> None:
        self.tenure = Tenure(database, clock, timing, process_id, host)
        self.timing = timing
        self.clock = clock
        self.active: set[Pool] = set()
        self.stirred = asyncio.Event()
        self.returned = 0
        self._database = database
        self._rates = Desk(self._ask_rates, clock)
        self._budgets = Desk(self._ask_budgets, clock)
        self._turn = asyncio.Lock()
        self._late: dict[tuple[str, str, int], int] = {}
        self._unused: dict[Pool, int] = {}

    @property
    def calls(self) -> int:
        """How often the database was asked, and given something back."""
        return self._rates.calls + self._budgets.calls + self.returned

    @property
    def is_busy(self) -> bool:
        """Whether there is something to look after soon."""
        return bool(self.active or self._late or self._unused)

    def want(self, pool: Pool) -> None:
        """Have *pool* asked for soon."""
        self.active.add(pool)
        self.stirred.set()
        (self._rates if pool.span is None else self._budgets).want(pool)

    def set_aside(self, pool: Pool, need: int, now: float) -> Waiter:
        """Set *need* aside, at once if it is there, else as soon as it is."""
        waiter = Waiter(need, asyncio.get_running_loop().create_future())
        self._expire(pool, now)
        if self.may_spend(pool, now) and pool.free >= need and not pool.waiting:
            pool.free -= need
            waiter.future.set_result(True)
        else:
            pool.waiting.append(waiter)
            self.want(pool)
        return waiter

    def may_spend(self, pool: Pool, now: float) -> bool:
        """Return whether what is free of *pool* is ours at that time, as far as we know."""
        return now < (pool.usable_until if pool.span is None else self.tenure.ends_at)

    def serve(self, pool: Pool) -> None:
        """Let those go on who wait for *pool*, now that something has come back; not if it may be others' by now."""
        if self.may_spend(pool, self.clock.elapsed()):
            pool.serve()

    def return_late(self, pool: Pool, amount: int) -> None:
        """Note what comes back of the minute before."""
        key = (pool.limit.owner, pool.limit.unit, pool.period - 1)
        self._late[key] = self._late.get(key, 0) + amount
        self.stirred.set()

    def give_up(self, pool: Pool, amount: int = _EVERYTHING) -> None:
        """Have what is free of *pool* given back, or so much of it."""
        amount = min(amount, pool.free)
        if amount <= 0:
            return
        if pool.span is None:
            key = (pool.limit.owner, pool.limit.unit, pool.period)
            self._late[key] = self._late.get(key, 0) + amount
        else:
            self._unused[pool] = self._unused.get(pool, 0) + amount
        pool.free -= amount
        self.stirred.set()

    async def tidy(self) -> None:
        """Give back what nobody uses, charge what is owed, and forget what is settled."""
        now = self.clock.elapsed()
        for pool in list(self.active):
            if pool.free < 0:
                self.want(pool)
            elif now - pool.used_at >= self.timing.idle:
                self.give_up(pool)
            if pool.is_doubtful and pool.out:
                pool.used_at = now
            if pool.is_idle:
                self.active.discard(pool)
        await self._give_back()
        if any(map(self._is_to_be_cleared, self.active)):
            await self._clear()

    async def beat(self) -> None:
        """Be heard of, in turn with who asks."""
        async with self._turn:
            await self._beat()

    async def _beat(self) -> None:
        """Be heard of. After a pause what is free goes back; and what others have given back meanwhile is not ours."""
        if self.clock.elapsed() >= self.tenure.ends_at:
            for pool in self._budget_pools():
                self.give_up(pool)
        unused, self._unused = self._unused, {}
        try:
            is_ours = await self.tenure.beat([(*_key(pool), amount) for pool, amount in unused.items()])
        except BaseException:
            self._doubt(unused)
            raise
        if not is_ours:
            self._unused.clear()
            for pool in self._budget_pools():
                pool.free, pool.began_at = 0, self.clock.elapsed()

    async def end(self) -> bool:
        """Hold nothing any more, if nothing is in use; return whether that is so."""
        async with self._turn:
            if self._budget_pools():
                return False
            self._unused.clear()
            await self.tenure.end()
            return True

    async def close(self) -> None:
        """Ask no more, and give back what is free; requests that are out are settled by the ledger."""
        await self._rates.close(self.timing.deadline)
        await self._budgets.close(self.timing.deadline)
        for pool in self.active:
            self.give_up(pool)
        try:
            await self._give_back()
        except StoreError:
            return  # whoever finds us dead gives it back

    async def _give_back(self) -> None:
        late, self._late = self._late, {}
        if late:
            self.returned += 1
            await rates.give_back(self._database, [(*key, amount) for key, amount in late.items()])
        unused, self._unused = self._unused, {}
        if unused:
            await self._let_go(unused)

    async def _let_go(self, unused: dict[Pool, int]) -> None:
        self.returned += 1
        rows = [(*_key(pool), amount) for pool, amount in unused.items()]
        try:
            await self._database.perform(lambda: give_back(self._database.dialect, self.tenure.process_id, rows))
        except BaseException:
            self._doubt(unused)
            raise

    def _budget_pools(self) -> list[Pool]:
        return [pool for pool in self.active if pool.span is not None]

    def _is_to_be_cleared(self, pool: Pool) -> bool:
        """Return whether a pool is in doubt, and nobody uses it, nor has lately: the ledger has settled all of it."""
        idle = self.clock.elapsed() - pool.used_at
        is_used = pool.out or pool.waiting or idle < _CERTAINLY_SETTLED * self.timing.idle
        return pool.is_doubtful and not is_used

    async def _clear(self) -> None:
        """Give back whatever was promised of pools in doubt; in turn with who asks, lest that be given back as well."""
        async with self._turn:
            pools = list(filter(self._is_to_be_cleared, self.active))
            for pool in pools:
                pool.free, pool.is_doubtful = 0, False
            await self._let_go(dict.fromkeys(pools, _EVERYTHING))

    def _doubt(self, pools: Sequence[Pool] | dict[Pool, int]) -> None:
        for pool in pools:
            pool.is_doubtful = True
            self.active.add(pool)

    async def _ask_rates(self, pools: Sequence[Pool]) -> list[Answer]:
        sent = self.clock.elapsed()
        asks = []
        by_key: dict[tuple[str, str], tuple[Pool, int, bool]] = {}
        for pool in pools:
            self._expire(pool, sent)
            pool.free = max(pool.free, -_MOST_OWED)
            owed = -min(pool.free, 0)
            need, want = (owed, 0) if owed else (pool.needs(), pool.wants(sent))
            limit = pool.limit
            asks.append(rates.RateAsk(limit.owner, limit.unit, limit.amount, need, want, bool(owed)))
            by_key[limit.owner, limit.unit] = pool, need, bool(owed)
        answers = []
        for granted in await rates.grant(self._database, self.clock, asks):
            pool, need, is_owed = by_key[granted.owner, granted.unit]
            self._turn_to(pool, granted, sent)
            answers.append(Answer(pool, need, granted.granted, granted.rest, is_owed))
        return answers

    async def _ask_budgets(self, pools: Sequence[Pool]) -> list[Answer]:
        async with self._turn:
            sent = self.clock.elapsed()
            if not self.tenure.is_known or sent >= self.tenure.ends_at:
                await self._beat()
            asks, by_key = [], {}
            for pool in pools:
                need = pool.needs()
                asks.append(budgets.BudgetAsk(*_key(pool), pool.limit.amount, need, pool.wants(sent)))
                by_key[_key(pool)] = pool, need
            granted = await budgets.grant(self._database, self.tenure.process_id, asks)
        for each in granted:
            pool, _ = by_key[each[:4]]
            pool.seen_at, pool.unspent = sent, each.rest + each.held
        return [Answer(*by_key[each[:4]], each.granted, each.rest) for each in granted]

    def _turn_to(self, pool: Pool, granted: rates.RateGrant, sent: float) -> None:
        """Take note of the minute that something was granted of."""
        if granted.minute != pool.period:
            self.give_up(pool)
            pool.period = granted.minute
            pool.began_at = sent - (rates.MINUTE_MS - granted.left_ms) / 1000
        pool.usable_until = sent + granted.left_ms / 1000
        pool.current, pool.previous = granted.current + granted.granted, granted.previous
        pool.seen_at = sent

    def _expire(self, pool: Pool, now: float) -> None:
        """Let go of what is left of a minute that is over."""
        if now >= pool.usable_until:
            self.give_up(pool)


def _key(pool: Pool) -> BudgetKey:
    return pool.limit.owner, pool.limit.unit, pool.span or "", pool.period
