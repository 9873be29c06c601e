"""``proxystore blocklist``: who is blocked."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from proxystore import Column, CommandLine, options
from proxystore_blocklist import blocked_users

_COLUMNS: Final = (Column("end_user", "end user"), Column("reason"))
_EndUser = Annotated[str, typer.Argument(help="As requests name them in `user`.")]

blocklist = typer.Typer(help="End users who are refused.", no_args_is_help=True)


@blocklist.command("list")
def list_users(context: typer.Context, *, as_json: options.Json = False) -> None:
    """List who is blocked, and why."""
    line: CommandLine = context.obj
    line.show(line.ask(blocked_users.every), _COLUMNS, as_json=as_json)


@blocklist.command()
def add(
    context: typer.Context, end_user: _EndUser, *, reason: Annotated[str, typer.Option(help="For us.")] = ""
) -> None:
    """Block an end user."""
    line: CommandLine = context.obj
    line.ask(lambda store: blocked_users.add(store, end_user, reason))
    typer.echo(f"{end_user} is blocked")


@blocklist.command()
def remove(context: typer.Context, end_user: _EndUser) -> None:
    """Let an end user in again."""
    line: CommandLine = context.obj
    was_blocked = line.ask(lambda store: blocked_users.remove(store, end_user))
    typer.echo(f"{end_user} {'may come in again' if was_blocked else 'was not blocked'}")
