"""Following what has changed, wherever it was changed: what caches live by.

Each process asks the change log four times a second for what is new; a notification makes it ask at once, and is never
trusted to come. Each answer says that everything up to a generation has been heard of: what is remembered may be used
for as long as the last answer is young, and is asked about again before it is used where it is not, as after a pause of
the event loop.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Final

import msgspec
from sqlalchemy import BigInteger, Integer, bindparam, select

from proxystore.database import Database, Listener, Query
from proxystore.errors import ProxyStoreError, StoreClosed, StoreUnavailable
from proxystore.schema import changes, generations

logger = logging.getLogger(__name__)

CHANNEL: Final = "proxystore"
"""What PostgreSQL is to notify when something has changed."""

_EVERY: Final = 0.25
_FRESH: Final = 0.75
_POLL_DEADLINE: Final = 1.0
_PATIENCE: Final = 0.25
_LONG_AWAY: Final = 10.0
_MOST: Final = 1000
_CLOCK: Final = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class _Change(msgspec.Struct, frozen=True):
    value: int
    generation: int | None
    aggregate: str | None
    aggregate_id: str | None


# From the counter, so that there is a row to read it from where nothing is new.
_CHANGES: Final = Query(
    select(generations.c.value, changes.c.generation, changes.c.aggregate, changes.c.aggregate_id)
    .select_from(
        generations.outerjoin(changes, changes.c.generation > bindparam("known", type_=BigInteger)),
    )
    .where(generations.c.name == "all")
    .order_by(changes.c.generation)
    .limit(bindparam("most", type_=Integer)),
    _Change,
)


def boottime() -> float:
    """Return seconds that never go back, and go on while the machine sleeps."""
    return time.clock_gettime(_CLOCK)


class Follower:
    """Tells who remembers something that it has changed.

    Args:
        database: Where the change log is.
        stale_if_error: For how many seconds what is remembered is good while the database cannot be asked.
        clock: Seconds that go on while the machine sleeps.

    Attributes:
        generation: Everything up to it has been told.
        confirmed: When the last answer was asked for, in the clock's seconds.
        is_away: Whether the database could not be asked the last time.
    """

    def __init__(
        self, database: Database, *, stale_if_error: float = 300.0, clock: Callable[[], float] = boottime
    ) -> None:
        self._database = database
        self._stale_if_error = stale_if_error
        self._clock = clock
        self._subscribers: dict[str, list[Callable[[str | None], None]]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._asking: asyncio.Task[None] | None = None
        self._listener: Listener | None = None
        self._is_open = self._is_woken = False
        self.generation = 0
        self.confirmed = float("-inf")
        self.is_away = False

    # -- for the store --------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Begin to follow: whatever was remembered before is forgotten.

        Raises:
            StoreError: The database cannot be asked.
        """
        self._is_open, self.is_away, self._asking, self._listener = True, False, None, None
        await self._ask(is_first=True)
        self._timer = asyncio.get_running_loop().call_later(_EVERY, self._tick)

    async def close(self) -> None:
        """Stop following; harmless where it was not begun."""
        self._is_open = False
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
        listener, self._listener = self._listener, None
        if listener is not None:
            await listener.stop()
        asking, self._asking = self._asking, None
        if asking is not None and not asking.done() and asking.get_loop() is asyncio.get_running_loop():
            await asyncio.wait((asking,), timeout=_POLL_DEADLINE)

    # -- for whoever remembers ------------------------------------------------------------------------------------

    def subscribe(self, aggregate: str, on_changed: Callable[[str | None], None]) -> None:
        """Have *on_changed* called with the id of each *aggregate* that has changed; ``None`` is any of them."""
        self._subscribers.setdefault(aggregate, []).append(on_changed)

    @property
    def is_fresh(self) -> bool:
        """Whether what is remembered can be used at once; else :meth:`fresh` has to be awaited."""
        return self._clock() - self.confirmed <= _FRESH

    async def fresh(self) -> None:
        """Return when what is remembered can be used: at once, after one more question, or because nobody answers.

        Raises:
            StoreUnavailable: Nobody has answered for ``stale_if_error``.
        """
        if self.is_fresh:
            return
        is_last_chance = self._age > self._stale_if_error
        if not self.is_away:  # then every request would wait in vain; the next question is under way anyhow
            await asyncio.wait((self._question(),), timeout=_POLL_DEADLINE if is_last_chance else _PATIENCE)
        if not self.is_fresh and self._age > self._stale_if_error:
            raise StoreUnavailable("What has been changed elsewhere cannot be asked for; try again.")

    async def poll(self) -> None:
        """Ask what has changed up to now; says nothing where the database cannot be asked."""
        asking = self._asking
        if asking is not None and not asking.done():
            await asyncio.wait((asking,))  # it may have been asked before
        if self._is_open:
            await asyncio.wait((self._question(),))

    def wake(self) -> None:
        """Ask soon: something has changed."""
        if self._asking is not None and not self._asking.done():
            self._is_woken = True  # it may have been asked before
        elif self._is_open:
            self._question()

    @property
    def is_listening(self) -> bool:
        """Whether changes are notified, not only asked for."""
        return self._listener is not None and self._listener.is_listening

    # -- asking ---------------------------------------------------------------------------------------------------

    @property
    def _age(self) -> float:
        return self._clock() - self.confirmed

    def _tick(self) -> None:
        if not self._is_open:
            return
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(_EVERY, self._tick)
        self._question()
        if self._listener is None and self._database.dialect == "postgresql":
            # Not at once: a command is done by now, and has spared itself a connection.
            self._listener = Listener(self._database, CHANNEL, self.wake)
            self._listener.start()

    def _question(self) -> asyncio.Task[None]:
        """Return the question under way, or ask one."""
        asking = self._asking
        if asking is None or asking.done():
            asking = self._asking = asyncio.get_running_loop().create_task(self._try())
            asking.add_done_callback(self._answered)
        return asking

    def _answered(self, _: object) -> None:
        is_woken, self._is_woken = self._is_woken, False
        if is_woken and self._is_open:
            self._question()

    async def _try(self) -> None:
        try:
            async with asyncio.timeout(_POLL_DEADLINE):
                await self._ask()
        except StoreClosed:
            self._is_open = False
        except (ProxyStoreError, TimeoutError) as error:
            if not self.is_away:
                self.is_away = True
                logger.warning(
                    "the database does not tell what has changed (%s); what is remembered is used for %g s more",
                    str(error) or "no answer in time",
                    max(self._stale_if_error - self._age, 0),
                )

    async def _ask(self, *, is_first: bool = False) -> None:
        sent = self._clock()
        rows = await self._database.fetch_all(_CHANGES, known=self.generation, most=_MOST)
        # After an outage it may be another database, restored from a backup, whose generations mean other changes.
        self._take(rows, is_all=is_first or sent - self.confirmed > _LONG_AWAY)
        self.confirmed = sent
        if self.is_away:
            self.is_away = False
            logger.warning("the database tells again what has changed")

    def _take(self, rows: list[_Change], *, is_all: bool) -> None:
        value = rows[0].value if rows else 0
        found = [row for row in rows if row.generation is not None]
        expected = range(self.generation + 1, value + 1)
        is_whole = len(found) < _MOST and [row.generation for row in found] == list(expected[:_MOST])
        if value < self.generation or is_all or not is_whole:
            self.generation = value
            for aggregate in self._subscribers:
                self._tell(aggregate, None)
            return
        for row in found:
            self.generation = row.generation or value
            self._tell(row.aggregate or "", row.aggregate_id)

    def _tell(self, aggregate: str, aggregate_id: str | None) -> None:
        for on_changed in self._subscribers.get(aggregate, ()):
            try:
                on_changed(aggregate_id)
            except Exception:
                logger.exception("a change of %s could not be followed", aggregate)
