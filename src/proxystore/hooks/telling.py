"""Telling sinks of the audit trail: after the commit, in the order of the chain, at least once."""

from __future__ import annotations

import asyncio
import inspect
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias
from uuid import uuid4

from proxystore.errors import ProxyStoreError
from proxystore.hooks.dispatch import in_order

if TYPE_CHECKING:
    import pluggy

    from proxystore.records import AuditEvent
    from proxystore.store import Store

Sink: TypeAlias = Callable[["AuditEvent"], Awaitable[Any]]

_POLL: Final = 0.5  # seconds
_AFTER_FAILURE: Final = 5.0
_PAGE: Final = 100
logger: Final = logging.getLogger(__name__)


class _Step(NamedTuple):
    plugin: str
    tell: Sink


class Teller:
    """Goes round until cancelled, wherever this process is its host's writer of the ledger; one host at a time.

    It remembers in the database how far it has come: whoever goes on begins there, so that what was told right before
    a crash may be told again.
    """

    def __init__(self, steps: Sequence[_Step], store: Store, *, poll: float = _POLL) -> None:
        from proxystore.repositories.audit.told import LEASE, Told  # the door to SQLAlchemy: not for ``--help``

        self._steps = steps
        self._store = store
        self._poll = poll
        self._told = Told(store.database, uuid4().hex)
        self._renew_after = LEASE / 4
        self._has_failed = False

    @classmethod
    def of(cls, hook: pluggy.HookRelay, store: Store, *, poll: float = _POLL) -> Teller | None:
        """Return one for all who implement ``on_audit``; ``None`` if nobody does."""
        steps = [_Step(impl.plugin_name, _sink(impl, store)) for impl in in_order(hook.on_audit)]
        return cls(steps, store, poll=poll) if steps else None

    async def run(self) -> None:
        """Go round."""
        pause = self._poll
        while True:
            await asyncio.sleep(pause)
            pause = await self._turn()

    async def _turn(self) -> float:
        """Tell what there is to tell; return in how many seconds to come back."""
        if not self._store.ledger.status().is_writer:
            return self._poll
        try:
            seq = await self._told.take()
            is_full = seq is not None and await self._tell_after(seq) == _PAGE
        except ProxyStoreError as error:
            logger.log(logging.DEBUG if self._has_failed else logging.WARNING, "sinks are told later: %s", error)
            self._has_failed = True
            return _AFTER_FAILURE
        self._has_failed = False
        return 0.0 if is_full else self._poll

    async def _tell_after(self, seq: int) -> int:
        """Tell of a page of what comes after *seq*; return how many there were."""
        count, renew_at = 0, time.monotonic() + self._renew_after
        async for event in self._store.audit.events(after=seq, most=_PAGE):
            for plugin, tell in self._steps:
                try:
                    await tell(event)
                except Exception:
                    logger.exception("plugin %r: on_audit failed", plugin)
            seq, count = event.seq, count + 1
            if time.monotonic() > renew_at:
                if not await self._told.move(seq):
                    return 0  # another host thought that we were gone
                renew_at = time.monotonic() + self._renew_after
        if count:
            await self._told.move(seq)
        return count


def _sink(impl: pluggy.HookImpl, store: Store) -> Sink:
    """Return an implementation as a coroutine function: one that is plain may wait, so a thread calls it."""
    function: Callable[..., Any] = impl.function
    given = {"store": store} if "store" in impl.argnames else {}
    names = [name for name in impl.argnames if name == "event"]

    def call(event: AuditEvent) -> Any:
        return function(**given, **dict.fromkeys(names, event))

    return call if inspect.iscoroutinefunction(function) else lambda event: asyncio.to_thread(call, event)
