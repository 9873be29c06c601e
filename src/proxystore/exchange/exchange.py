"""One request and its response."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from proxystore.exchange.response import Response
from proxystore.ids import uuid7
from proxystore.values import Cost, Denial, Outcome, Principal, Usage

if TYPE_CHECKING:
    from uuid import UUID

    from proxystore.exchange.request import Request
    from proxystore.limits import Reservation
    from proxystore.repositories.models import Resolved

_NO_USAGE: Final = Usage()
_NO_COST: Final = Cost()


class Exchange:
    """What hooks are given.

    Attributes:
        id: Its UUIDv7; its time is ``started_ns``.
        request: The way in.
        response: The way out.
        started_ns: When it began, nanoseconds since 1970, UTC.
        principal: Who is calling, once ``on_auth`` has answered; ``None`` is nobody in particular.
        model: What the catalogue knows of the model asked for, once the body was read; ``None`` is nothing.
        usage, cost: Set by the core before ``on_usage``.
        outcome: Final from ``on_usage`` on; ``complete`` until then.
        denial: Why it was refused.
        decided_by: The plugin whose answer it was, if one refused or answered.
        error: What the proxy raised.
        is_journaled: Set by a plugin that appends an *end* to the ledger in ``on_usage``: the core then writes the
            *begin* right before the proxy is called, so that a request killed in flight leaves a trace.
        reservation: What it was promised of its caller's limits, set by the limits plugin; the core and whoever appends
            entries to the ledger write its ``hold`` into them.
        metadata: What plugins want kept with the usage event: a few words and numbers, 1,000 bytes of JSON at most.
        state: For plugins: each uses its own name as key and reads no other's.
    """

    __slots__ = (
        "_started_on_clock",
        "cost",
        "decided_by",
        "denial",
        "error",
        "id",
        "is_journaled",
        "metadata",
        "model",
        "outcome",
        "principal",
        "request",
        "reservation",
        "response",
        "started_ns",
        "state",
        "usage",
    )

    def __init__(self, request: Request) -> None:
        self.request = request
        self.response = Response()
        self.started_ns = time.time_ns()
        self.id: UUID = uuid7(self.started_ns // 1_000_000)
        self._started_on_clock = time.perf_counter_ns()
        self.principal: Principal | None = None
        self.model: Resolved | None = None
        self.usage = _NO_USAGE
        self.cost = _NO_COST
        self.outcome: Outcome = "complete"
        self.denial: Denial | None = None
        self.decided_by: str | None = None
        self.error: BaseException | None = None
        self.is_journaled = False
        self.reservation: Reservation | None = None
        self.metadata: dict[str, str | int] = {}
        self.state: dict[str, Any] = {}

    def now_ns(self) -> int:
        """Return the time as nanoseconds since 1970, as if the clock had not been set since the exchange began."""
        return self.started_ns + time.perf_counter_ns() - self._started_on_clock
