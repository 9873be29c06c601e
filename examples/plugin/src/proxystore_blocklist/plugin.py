"""The hooks."""

from __future__ import annotations

import time
from collections.abc import Callable

import typer
from pydantic import BaseModel, Field

from proxystore import Denial, Exchange, Migrations, Store, hookimpl
from proxystore_blocklist import blocked_users
from proxystore_blocklist.commands import blocklist


class Blocklist:
    """Refuses what is asked on behalf of an end user who is blocked."""

    class Settings(BaseModel, frozen=True, extra="forbid"):
        """``[plugin.blocklist]`` in proxystore.toml, ``PROXYSTORE_BLOCKLIST__<FIELD>`` in the environment."""

        refresh: float = Field(5.0, gt=0, description="After how many seconds a change made elsewhere is noticed.")
        message: str = Field("You may not use this service.", description="What somebody who is blocked is told.")

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._clock = clock
        self._blocked: frozenset[str] = frozenset()
        self._good_until = 0.0

    @hookimpl
    def register_migrations(self) -> list[Migrations]:
        """Bring our table."""
        return [Migrations("proxystore_blocklist.migrations", "blocklist_version")]

    @hookimpl
    def register_commands(self, cli: typer.Typer) -> None:
        """Add ``proxystore blocklist``."""
        cli.add_typer(blocklist, name="blocklist")

    @hookimpl
    async def on_startup(self, store: Store) -> None:
        """Know who is blocked before the first request."""
        await self._refresh(store)

    @hookimpl(tryfirst=True)
    async def on_request(self, exchange: Exchange, store: Store) -> Denial | None:
        """Refuse; most requests cost a look at the clock and at a set."""
        end_user = exchange.request.call.end_user
        if end_user is None:
            return None
        if self._clock() >= self._good_until:
            await self._refresh(store)
        if end_user not in self._blocked:
            return None
        return Denial(status=403, code="end_user_blocked", message=self._settings.message)

    async def _refresh(self, store: Store) -> None:
        self._good_until = self._clock() + self._settings.refresh
        self._blocked = frozenset(user.end_user for user in await blocked_users.every(store))
