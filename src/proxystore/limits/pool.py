"""What this process may still let through of one limit, without asking anybody."""

from __future__ import annotations

import asyncio
from typing import Final, NamedTuple

from proxystore.periods import Span, period_at
from proxystore.values import Limit

HORIZON: Final = 0.5  # seconds: what is asked for beyond what is needed lasts about so long
UNITS: Final = ("requests", "tokens", "nanousd")
_LOW: Final = 0.3  # of what was given beyond the need: below that, more is asked for before somebody needs it
_END_OF_TIME: Final = 2**62
_MOST: Final = 2**62  # a number of a database's has no room for the sum of all that callers may claim


class Waiter(NamedTuple):
    """Somebody who waits for *need*; the future's result is whether it has been set aside for them."""

    need: int
    future: asyncio.Future[bool]

    @property
    def is_served(self) -> bool:
        """Whether it has been set aside."""
        future = self.future
        return future.done() and not future.cancelled() and future.exception() is None and future.result()

    @property
    def is_refused(self) -> bool:
        """Whether it cannot be had."""
        future = self.future
        return future.done() and not future.cancelled() and future.exception() is None and not future.result()


class Pool:
    """One limit of one owner: of a rate for good, of a budget for one period.

    Attributes:
        limit: As it was last heard of.
        place: Where its unit stands among the amounts of a request.
        span: ``day``, ``month``, ``ever``; ``None`` is a minute that slides.
        period: Which one; of a minute, the one that what is free was taken from.
        since_ns, until_ns: The times of requests that it is for.
        free: What may be let through; below 0 it is owed to a minute's window.
        out: How many requests have something of it and have not come back.
        began_at: What was reserved before does not come back to what is free; seconds since the host was started.
        usable_until: From then on what is free may not be used.
        low: Below that more is asked for.
        used, used_at, asked_at: How much was used since the last question, when something was used, and asked for.
        rest: What was left in the database after its last answer, at *seen_at*; *current* and *previous* are the two
            minutes then.
        unspent: Of a budget, what was left then and what was on its way, which may come back.
        is_wanted: Whether it is about to be asked for.
        is_doubtful: Whether the database may have promised more than we know of.
    """

    __slots__ = (
        "__weakref__",
        "asked_at",
        "began_at",
        "current",
        "free",
        "is_doubtful",
        "is_wanted",
        "limit",
        "low",
        "out",
        "period",
        "place",
        "previous",
        "refused_need",
        "refused_until",
        "rest",
        "seen_at",
        "since_ns",
        "span",
        "unspent",
        "until_ns",
        "usable_until",
        "used",
        "used_at",
        "waiting",
    )

    def __init__(self, limit: Limit, at_ns: int) -> None:
        self.limit = limit
        self.place = UNITS.index(limit.unit)
        self.span: Span | None = None if limit.window == "minute" else limit.window
        self.period, self.since_ns, self.until_ns = (
            (0, 0, _END_OF_TIME) if self.span is None else period_at(self.span, at_ns)
        )
        self.free = self.low = self.out = self.used = self.current = self.previous = 0
        self.rest = self.unspent = limit.amount
        self.usable_until = 0.0 if self.span is None else float("inf")
        self.began_at = self.asked_at = self.used_at = self.seen_at = self.refused_until = 0.0
        self.refused_need = 0
        self.is_wanted = self.is_doubtful = False
        self.waiting: list[Waiter] = []

    @property
    def is_idle(self) -> bool:
        """Whether nothing of it is anywhere in this process."""
        return not (self.free or self.out or self.waiting or self.is_doubtful)

    def is_refused(self, need: int, now: float) -> bool:
        """Return whether it is known that *need* cannot be had."""
        return self.free < need and (
            need > self.limit.amount or (now < self.refused_until and need >= self.refused_need)
        )

    def refuse(self, need: int, now: float, until: float) -> None:
        """Remember for a while that *need* cannot be had."""
        self.refused_need = need if now >= self.refused_until else min(need, self.refused_need)
        self.refused_until = until

    def wants(self, now: float) -> int:
        """Return what to ask for beyond what is needed: what was used in so long before."""
        took = now - self.asked_at
        rate = self.used / took if 0 < took < 10 * HORIZON else 0.0
        self.asked_at, self.used = now, 0
        return min(int(rate * HORIZON), _MOST)

    def needs(self) -> int:
        """Return what those who wait lack."""
        self.waiting = [waiter for waiter in self.waiting if not waiter.future.done()]
        return min(max(0, sum(waiter.need for waiter in self.waiting) - self.free), _MOST) if self.waiting else 0

    def receive(self, granted: int, spare: int) -> None:
        """Take what was given, and serve those who wait."""
        self.free += granted
        self.low = int(spare * _LOW)
        self.serve()

    def serve(self) -> None:
        """Set aside, in the order they came, what those wait for who can be served."""
        left = []
        for waiter in self.waiting:
            if waiter.future.done():  # gone
                continue
            if waiter.need <= self.free:
                self.free -= waiter.need
                waiter.future.set_result(True)
            else:
                left.append(waiter)
        self.waiting = left

    def turn_away(self, available: int) -> int | None:
        """Tell those in vain who wait, but for the first that *available* is enough for.

        Returns:
            The least that one of them needed; ``None`` if nobody was turned away.
        """
        left, refused = [], []
        for waiter in self.waiting:
            if waiter.future.done():
                continue
            if waiter.need <= available:
                available -= waiter.need
                left.append(waiter)
            else:
                waiter.future.set_result(False)
                refused.append(waiter.need)
        self.waiting = left
        return min(refused, default=None)

    def fail(self, error: Exception) -> None:
        """Tell those who wait that nobody can tell."""
        waiting, self.waiting = self.waiting, []
        for waiter in waiting:
            if not waiter.future.done():
                waiter.future.set_exception(error)
                waiter.future.exception()  # whoever has stopped waiting will not look
