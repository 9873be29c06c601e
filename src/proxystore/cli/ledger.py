"""``proxystore ledger``: what waits in the journal, and what could not be written down."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from proxystore.cli import options
from proxystore.cli.commandline import CommandLine
from proxystore.cli.tables import Column
from proxystore.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from proxystore.ledger import DeadLetters
    from proxystore.store import Store

_LETTER = (Column("event_id", "id", str), Column("recorded_at", "recorded"), Column("kind"), Column("reason"))
_LETTER_WHOLE = tuple(Column(name) for name in ("event_id", "segment_id", "kind", "entry", "reason", "recorded_at"))
_REFUSAL = (Column("event_id", "id", str), Column("reason"))


_Ids = Annotated[
    list[UUID] | None,
    typer.Argument(parser=options.identity("a dead letter"), metavar="ID...", help="As in the list; none: all."),
]

ledger = typer.Typer(
    help="What waits in this host's journal, and what could not be written down.", no_args_is_help=True
)
dead_letters = typer.Typer(help="Entries that the database could not hold as events.", no_args_is_help=True)
ledger.add_typer(dead_letters, name="dead-letters")


@ledger.command()
def status(context: typer.Context, *, as_json: options.Json = False) -> None:
    """Show how much is not in the database yet, and what went wrong; changes nothing, needs no server."""
    from proxystore.ledger import inspect

    line: CommandLine = context.obj
    line.announce_database()
    if line.settings.url.is_in_memory:
        raise SettingsError(
            "a database in memory has its journal in a temporary directory, which only its process knows"
        )
    found = line.run(inspect(line.settings))
    line.show_one(found, [Column(name) for name in type(found).__struct_fields__], as_json=as_json)


@dead_letters.command("list")
def list_letters(context: typer.Context, *, limit: options.Limit = 20, as_json: options.Json = False) -> None:
    """List dead letters, newest first."""
    line: CommandLine = context.obj
    letters = _run(line, lambda _, letters: letters.list(limit=limit))
    line.show(letters, _LETTER, whole=_LETTER_WHOLE, as_json=as_json)


@dead_letters.command()
def retry(context: typer.Context, ids: _Ids = None, *, as_json: options.Json = False) -> None:
    """Count dead letters as events, where the database takes them now; exit with 1 if it does not take all."""
    line: CommandLine = context.obj
    counted, refusals = _run(line, lambda _, letters: letters.retry(ids))
    typer.echo(f"counted {counted}, refused {len(refusals)}", err=as_json)
    if refusals or as_json:
        line.show(refusals, _REFUSAL, as_json=as_json)
    if refusals:
        raise typer.Exit(1)


@dead_letters.command()
def drop(context: typer.Context, ids: _Ids = None, *, yes: options.Yes = False) -> None:
    """Throw dead letters away: their usage is then never counted. Asks first."""
    line: CommandLine = context.obj
    if not yes:
        what = f"these {len(ids)} dead letters" if ids else "all dead letters"
        typer.confirm(f"This throws {what} away. Go on?", abort=True, err=True)

    async def work(store: Store, letters: DeadLetters) -> int:
        dropped = await letters.drop(ids)
        said: dict[str, Any] = {"letters": dropped} | ({"ids": [str(name) for name in ids[:20]]} if ids else {})
        await store.audit.record("ledger.drop", actor=line.actor, metadata=said)
        return dropped

    typer.echo(f"dropped {_run(line, work)}")


def _run(line: CommandLine, work: Callable[[Store, DeadLetters], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        from proxystore.ledger import DeadLetters

        async with line.store() as store:
            return await work(store, DeadLetters(store.database))

    return line.run(run())
