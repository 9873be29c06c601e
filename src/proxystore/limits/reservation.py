"""What a request was promised, and why it was not."""

from __future__ import annotations

from typing import Literal

import msgspec

from proxystore.limits.pool import Pool
from proxystore.values import Hold, Limit


class Reservation:
    """So much of each limit that a request is held to; what it does not use goes back when it is settled.

    Attributes:
        pools: What it was taken from.
        amounts: How many requests, tokens and nano-dollars.
        at: When, in seconds since the start of the host.
        unbacked: The budgets of which nothing could be taken, since the database was away, and requests go on
            (`continue`): what it uses is spent all the same.
        is_settled: Whether what it used is known.
        is_backed: Whether the database knows of it.
    """

    __slots__ = ("_hold", "amounts", "at", "is_backed", "is_settled", "pools", "unbacked")

    def __init__(self, pools: tuple[Pool, ...], amounts: tuple[int, int, int], at: float) -> None:
        self.pools = pools
        self.amounts = amounts
        self.at = at
        self.is_settled = False
        self.is_backed = True
        self.unbacked: tuple[Pool, ...] = ()
        self._hold: tuple[Hold, ...] | None = None

    @property
    def hold(self) -> tuple[Hold, ...] | None:
        """What of it is a budget's, for the request's entries in the ledger; ``None`` where nothing is."""
        if self._hold is None:
            amounts = self.amounts
            self._hold = tuple(
                [
                    Hold(pool.limit.owner, pool.limit.unit, pool.span, pool.period, amounts[pool.place])
                    for pool in self.pools
                    if pool.span is not None
                ]
                + [
                    Hold(pool.limit.owner, pool.limit.unit, pool.span, pool.period, 0)
                    for pool in self.unbacked
                    if pool.span is not None
                ]
            )
        return self._hold or None


class Exhausted(msgspec.Struct, frozen=True, kw_only=True):
    """Why nothing was reserved.

    Attributes:
        limit: Which limit stands in the way.
        remaining: How much of it is left, as far as this process knows.
        retry_after: Seconds until it can be otherwise; ``None`` if that is never.
        cause: ``spent``; ``held`` if it is only promised to requests that are on their way; ``unavailable`` if the
            database cannot be asked.
    """

    limit: Limit
    remaining: int
    retry_after: float | None
    cause: Literal["spent", "held", "unavailable"] = "spent"
