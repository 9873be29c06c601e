"""The plugin: note what was refused, or every request; where it must, before the proxy is called."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final, Literal

from pydantic import BaseModel, Field

from proxystore import Denial, Exchange, StoreError, hookimpl
from proxystore_audit.noting import closing, is_heeded, opening

if TYPE_CHECKING:
    from collections.abc import Awaitable

    import typer

    from proxystore import Store

_log: Final = logging.getLogger(__name__)
_UNAVAILABLE: Final = Denial(
    status=503,
    code="audit_unavailable",
    message="This request cannot be written down at the moment; try again soon.",
    retry_after=5,
)


class Audit:
    """Events of requests: authentication that failed, refusals of every kind, and by setting all there are."""

    class Settings(BaseModel, frozen=True, extra="forbid"):
        """The section ``[plugin.audit]``.

        Attributes:
            requests: Which requests are written down: none, those that were refused, or all.
            mode: What becomes of a request while it cannot be written down: ``fail_open`` lets it pass;
                ``fail_closed`` has each request written down *before* it is answered, else refuses it with 503.
            deadline: For how many seconds ``fail_closed`` waits.
        """

        requests: Literal["none", "denied", "all"] = "denied"
        mode: Literal["fail_open", "fail_closed"] = "fail_open"
        deadline: float = Field(2.0, gt=0)

    def __init__(self, settings: Settings | None = None) -> None:
        given = settings or self.Settings()
        self._is_closed = given.mode == "fail_closed"
        self._notes_denials = given.requests != "none" or self._is_closed
        self._notes_all = given.requests == "all" or self._is_closed
        self._deadline = given.deadline
        self._key_header = b""

    @hookimpl
    async def on_startup(self, store: Store) -> None:
        """Open the journal before the first request comes, and write down what is set where that has changed."""
        self._key_header = store.settings.key_header.encode()
        if self._notes_denials:
            store.ledger.trail.open()
        try:
            await store.audit.record_settings(store.settings)
        except StoreError as error:
            if self._is_closed:
                raise
            _log.warning("what is set could not be written down in the audit trail: %s", error)

    @hookimpl(tryfirst=True)
    def on_auth(self, exchange: Exchange, store: Store) -> Awaitable[Denial | None] | None:
        """Have the opening of a WebSocket written down, where it must be: nobody asks ``on_request`` about those."""
        if self._is_closed and exchange.request.is_websocket:
            return self._opened(exchange, store)
        return None

    @hookimpl(tryfirst=True)
    def on_request(self, exchange: Exchange, store: Store) -> Awaitable[Denial | None] | None:
        """Have what is asked for written down, where it must be, before anybody answers."""
        if self._is_closed and is_heeded(exchange):
            return self._opened(exchange, store)
        return None

    @hookimpl
    def on_usage(self, exchange: Exchange, store: Store) -> None:
        """Note what became of it."""
        if exchange.denial is not None:
            if self._notes_denials:
                store.ledger.trail.note(closing(exchange, self._key_header))
        elif self._notes_all and is_heeded(exchange):
            store.ledger.trail.note(closing(exchange, self._key_header))

    @hookimpl
    def register_commands(self, cli: typer.Typer) -> None:
        """Add ``proxystore audit``."""
        from proxystore_audit.commands import audit  # a server has no use for them

        cli.add_typer(audit, name="audit")

    async def _opened(self, exchange: Exchange, store: Store) -> Denial | None:
        is_written = await store.ledger.trail.commit(opening(exchange), deadline=self._deadline)
        return None if is_written else _UNAVAILABLE
