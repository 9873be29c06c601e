"""The plugin: reserve before the proxy is called, settle with what was used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, Field

from proxystore import Denial, Exchange, Exhausted, Limit, Principal, hookimpl
from proxystore_limits.estimating import Estimates
from proxystore_limits.recording import entry_of
from proxystore_limits.wording import UNREADABLE, denial_of

if TYPE_CHECKING:
    from collections.abc import Awaitable

    import typer

    from proxystore import Reservation, Store

_ASKING_ONLY = frozenset({"GET", "HEAD", "OPTIONS"})


class Limits:
    """Holds callers to the limits that their principal came with, whichever plugin said who they are."""

    class Settings(BaseModel, frozen=True, extra="forbid"):
        """The section ``[plugin.limits]``.

        Attributes:
            reservation: How much is reserved for a request: what it can use at most (``strict``), or what requests of
                that caller to that model mostly use (``typical``), which lets more of them through at a time and may
                pass a limit by a little.
            most_output_tokens: What an answer has at most, where neither its caller nor the catalogue of models says.
        """

        reservation: Literal["strict", "typical"] = "strict"
        most_output_tokens: int = Field(4096, gt=0)

    def __init__(self, settings: Settings | None = None) -> None:
        given = settings or self.Settings()
        self._estimates = Estimates(most_output=given.most_output_tokens, is_typical=given.reservation == "typical")

    @hookimpl(trylast=True)
    def on_request(self, exchange: Exchange, store: Store) -> Denial | Awaitable[Denial | None] | None:
        """Refuse what a limit stands in the way of; reserve what the rest may use."""
        who = exchange.principal
        if who is None or not who.limits or not _is_counted(exchange):
            return None
        if _is_unreadable(exchange, who):
            return UNREADABLE
        tokens, nanousd = self._estimates.of(exchange, who, store)
        found = store.limits.take(who.limits, tokens=tokens, nanousd=nanousd, at_ns=exchange.started_ns)
        if found is None:  # not for this process to decide
            return self._reserve(exchange, who.limits, tokens, nanousd, store)
        return _told(exchange, who.limits, found, store)

    @hookimpl
    def register_commands(self, cli: typer.Typer) -> None:
        """Add ``proxystore limits``."""
        from proxystore_limits.commands import limits  # a server has no use for them

        cli.add_typer(limits, name="limits")

    async def _reserve(
        self, exchange: Exchange, limits: tuple[Limit, ...], tokens: int, nanousd: int, store: Store
    ) -> Denial | None:
        at_ns = exchange.started_ns
        found = await store.limits.reserve(limits, tokens=tokens, nanousd=nanousd, at_ns=at_ns)
        return _told(exchange, limits, found, store)

    @hookimpl
    def on_usage(self, exchange: Exchange, store: Store) -> None:
        """Give back what was not used."""
        reservation = exchange.reservation
        if reservation is None:
            return
        if exchange.outcome in ("refused", "cached"):
            store.limits.settle(reservation)
            return
        tokens, nanousd = self._estimates.learn(exchange)
        store.limits.settle(reservation, requests=1, tokens=tokens, nanousd=nanousd)
        if not exchange.is_journaled and reservation.hold is not None:  # nobody else writes it down
            store.ledger.append(entry_of(exchange))


def _told(exchange: Exchange, limits: tuple[Limit, ...], found: Reservation | Exhausted, store: Store) -> Denial | None:
    """Let the caller know what is left, and take what was *found* in the matter: a reservation, or none to be had."""
    quotas = store.limits.quotas(limits)
    if quotas:
        exchange.response.offered_headers += exchange.request.limit_headers(quotas)
    if isinstance(found, Exhausted):
        return denial_of(found)
    exchange.reservation = found
    return None


def _is_counted(exchange: Exchange) -> bool:
    """Return whether limits are about an exchange: what a wire format knows, and what may change something."""
    request = exchange.request
    return request.is_claimed or request.method not in _ASKING_ONLY


def _is_unreadable(exchange: Exchange, who: Principal) -> bool:
    """Return whether nobody could tell what a request costs, of a caller with a budget."""
    call = exchange.request.call
    return call.request_model is None and call.is_billable and any(limit.unit == "nanousd" for limit in who.limits)
