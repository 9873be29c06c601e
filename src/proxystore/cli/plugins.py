"""``proxystore plugins``: what is loaded."""

from __future__ import annotations

from typing import Annotated

import typer

from proxystore.cli.commandline import CommandLine
from proxystore.cli.tables import Column

_COLUMNS = (Column("order"), Column("name"), Column("version"), Column("origin", "from"), Column("hooks"))

plugins = typer.Typer(help="What is loaded, and in which order.", no_args_is_help=True)


@plugins.command("list")
def list_plugins(
    context: typer.Context, *, as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False
) -> None:
    """List the plugins that the settings name, in the order they are asked."""
    line: CommandLine = context.obj
    rows = [{"order": order, **plugin._asdict()} for order, plugin in enumerate(line.plugins.describe(), 1)]
    line.show(rows, _COLUMNS, as_json=as_json)
