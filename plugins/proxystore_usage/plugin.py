"""The plugin: refuse what could not be written down, write down the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from pydantic import BaseModel

from proxystore import Denial, Exchange, hookimpl
from proxystore_usage.end_users import EndUsers
from proxystore_usage.recording import entry_of, is_recorded

if TYPE_CHECKING:
    import typer

    from proxystore import Store

_FULL: Final = Denial(
    status=503, code="journal_full", message="Usage cannot be recorded at the moment; try again soon.", retry_after=5
)


class Usage:
    """One event for each exchange, in the journal before the client sees the end."""

    class Settings(BaseModel, frozen=True, extra="forbid"):
        """The section ``[plugin.usage]``.

        Attributes:
            end_user: What is kept of the end user that a caller names (OpenAI's ``user``): nothing, a hash that only
                this database can make, or the name itself.
        """

        end_user: Literal["off", "hash", "plain"] = "hash"

    def __init__(self, settings: Settings | None = None) -> None:
        self._end_users = EndUsers((settings or self.Settings()).end_user)

    @hookimpl
    async def on_startup(self, store: Store) -> None:
        """Fetch what end users are hashed with."""
        self._end_users.key = await store.usage.pseudonym_key()

    @hookimpl(tryfirst=True)
    def on_request(self, exchange: Exchange, store: Store) -> Denial | None:
        """Refuse what could not be written down; have the beginning of the rest written as well."""
        if not is_recorded(exchange):
            return None
        if not store.ledger.is_writable and store.settings.journal_full == "refuse":
            return _FULL
        exchange.is_journaled = True
        return None

    @hookimpl
    def on_usage(self, exchange: Exchange, store: Store) -> None:
        """Append the event."""
        if is_recorded(exchange):
            store.ledger.append(entry_of(exchange, self._end_users.kept))

    @hookimpl
    def register_commands(self, cli: typer.Typer) -> None:
        """Add ``proxystore usage``."""
        from proxystore_usage.commands import usage  # a server has no use for them

        cli.add_typer(usage, name="usage")
