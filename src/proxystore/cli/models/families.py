"""``proxystore families``: models that belong together."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from proxystore.cli import options
from proxystore.cli.commandline import CommandLine
from proxystore.cli.tables import Column
from proxystore.records.models import ModelFamily

_LIST: Final = (Column("provider"), Column("name"), Column("description"))
_WHOLE: Final = tuple(Column(name) for name in ModelFamily.__struct_fields__)
_Provider = Annotated[str, typer.Argument(metavar="PROVIDER", help="Whose it is.", show_default=False)]
_Name = Annotated[str, typer.Argument(metavar="NAME", help="Such as gpt-4.", show_default=False)]
_Description = Annotated[str | None, typer.Option(help="What to know about it.")]

families = typer.Typer(help="Models that belong together.", no_args_is_help=True)


@families.command("list")
def list_families(context: typer.Context, *, as_json: options.Json = False) -> None:
    """List every family."""
    line: CommandLine = context.obj

    line.show(line.ask(lambda store: store.families.list()), _LIST, whole=_WHOLE, as_json=as_json)


@families.command()
def show(context: typer.Context, provider: _Provider, name: _Name, *, as_json: options.Json = False) -> None:
    """Show everything about one."""
    line: CommandLine = context.obj

    line.show_one(line.ask(lambda store: store.families.get(provider, name)), _WHOLE, as_json=as_json)


@families.command()
def create(context: typer.Context, provider: _Provider, name: _Name, *, description: _Description = None) -> None:
    """Make a family."""
    line: CommandLine = context.obj

    line.ask(lambda store: store.families.create(provider, name, description=description, actor=line.actor))
    typer.echo(f"created {name}")


@families.command()
def update(context: typer.Context, provider: _Provider, name: _Name, *, description: _Description = None) -> None:
    """Say something else about one."""
    line: CommandLine = context.obj

    line.ask(lambda store: store.families.update(provider, name, description=description, actor=line.actor))
    typer.echo(f"changed {name}")


@families.command()
def delete(context: typer.Context, provider: _Provider, name: _Name, *, yes: options.Yes = False) -> None:
    """Delete a family; its models stay."""
    line: CommandLine = context.obj
    if not yes:
        typer.confirm(f"This deletes {name}. Go on?", abort=True, err=True)

    line.ask(lambda store: store.families.delete(provider, name, actor=line.actor))
    typer.echo(f"deleted {name}")
