"""``proxystore keys metadata``: what is written on keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from proxystore.cli import key_options as said
from proxystore.cli import options
from proxystore.cli.commandline import CommandLine
from proxystore.cli.tables import Column
from proxystore.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from proxystore.records import KeyMetadata
    from proxystore.store import Store

_COLUMNS = (Column("type"), Column("key"), Column("value"))
_Type = Annotated[str, typer.Argument(metavar="TYPE", help="Such as tag or owner.", show_default=False)]
_Name = Annotated[str, typer.Argument(metavar="NAME", help="Such as team.", show_default=False)]
_Value = Annotated[str, typer.Argument(metavar="VALUE", help="Such as search.", show_default=False)]

key_metadata = typer.Typer(help="What is written on keys, such as tags that reports are made by.", no_args_is_help=True)


@key_metadata.command("list")
def list_metadata(context: typer.Context, key: said.Key, *, as_json: options.Json = False) -> None:
    """List what is written on a key."""
    line: CommandLine = context.obj

    async def read(store: Store) -> Sequence[KeyMetadata]:
        return await store.keys.metadata.list(await said.id_of(store, key))

    line.show(line.ask(read), _COLUMNS, as_json=as_json)


@key_metadata.command("set")
def set_metadata(context: typer.Context, key: said.Key, kind: _Type, name: _Name, value: _Value) -> None:
    """Write something on a key, in place of what was there."""
    line: CommandLine = context.obj

    async def write(store: Store) -> None:
        await store.keys.metadata.set(await said.id_of(store, key), kind, name, value, actor=line.actor)

    line.ask(write)
    typer.echo(f"{kind} {name} is {value}")


@key_metadata.command("delete")
def delete_metadata(context: typer.Context, key: said.Key, kind: _Type, name: _Name) -> None:
    """Take off what is written on a key; exit with 1 if nothing was."""
    line: CommandLine = context.obj

    async def take_off(store: Store) -> bool:
        return await store.keys.metadata.delete(await said.id_of(store, key), kind, name, actor=line.actor)

    if not line.ask(take_off):
        raise NotFound(f"There is no {kind} {name} on this key.")
    typer.echo(f"deleted {kind} {name}")
