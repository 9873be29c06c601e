"""``proxystore keys metadata``: what is written on keys."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from proxystore.cli import key_options as said
from proxystore.cli.commandline import CommandLine
from proxystore.cli.tables import Column

_COLUMNS = (Column("type"), Column("key"), Column("value"))
_Type = Annotated[str, typer.Argument(metavar="TYPE", help="Such as tag or owner.", show_default=False)]
_Name = Annotated[str, typer.Argument(metavar="NAME", help="Such as team.", show_default=False)]
_Value = Annotated[str, typer.Argument(metavar="VALUE", help="Such as search.", show_default=False)]

key_metadata = typer.Typer(help="What is written on keys, such as tags that reports are made by.", no_args_is_help=True)


@key_metadata.command("list")
def list_metadata(context: typer.Context, key: said.Key, *, as_json: said.Json = False) -> None:
    """List what is written on a key."""
    line: CommandLine = context.obj
    line.show(said.run(line, lambda store: store.keys.metadata.list(key)), _COLUMNS, as_json=as_json)


@key_metadata.command("set")
def set_metadata(context: typer.Context, key: said.Key, kind: _Type, name: _Name, value: _Value) -> None:
    """Write something on a key, in place of what was there."""
    line: CommandLine = context.obj
    said.run(line, lambda store: store.keys.metadata.set(key, kind, name, value, actor=line.actor))


@key_metadata.command("delete")
def delete_metadata(context: typer.Context, key: said.Key, kind: _Type, name: _Name) -> None:
    """Take off what is written on a key; exit with 1 if nothing was."""
    line: CommandLine = context.obj

    async def work(store: Any) -> bool:
        return bool(await store.keys.metadata.delete(key, kind, name, actor=line.actor))

    if not said.run(line, work):
        typer.echo("nothing is written there", err=True)
        raise typer.Exit(1)
