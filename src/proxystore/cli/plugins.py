"""``proxystore plugins``: what is loaded, in which order, and what is not."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from proxystore.cli import options
from proxystore.cli.commandline import CommandLine
from proxystore.cli.tables import Column
from proxystore.errors import PluginError
from proxystore.hooks import left_out

_COLUMNS = (
    Column("order"),
    Column("name"),
    Column("version", spare=2),
    Column("state"),
    Column("origin", "from", spare=1),
    Column("hooks"),
)
_PLACES = (Column("hook"), Column("place", "asked"), Column("of"))

plugins = typer.Typer(help="What is loaded, and in which order.", no_args_is_help=True)


@plugins.command("list")
def list_plugins(context: typer.Context, *, as_json: options.Json = False) -> None:
    """List the plugins in the order they are asked, then those that are installed and left out."""
    line: CommandLine = context.obj
    line.show(_rows(line), _COLUMNS, as_json=as_json)


@plugins.command("show")
def show_plugin(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="As in the list.", show_default=False)],
    *,
    as_json: options.Json = False,
) -> None:
    """Show when a plugin is asked at each of its hooks."""
    line: CommandLine = context.obj
    row = next((row for row in _rows(line) if row["name"] == name), None)
    if row is None:
        raise PluginError(name, "is not installed: `proxystore plugins list` has all that are")
    places = [place._asdict() for place in line.plugins.places(name)] if row["order"] is not None else []
    if as_json:
        line.show_one({**row, "hooks": places}, _COLUMNS, as_json=True)
        return
    typer.echo(f"{name} {row['version']} from {row['origin']}: {row['state']}")
    line.show(places, _PLACES)


def _rows(line: CommandLine) -> list[dict[str, Any]]:
    loaded = [
        {"order": order, "state": "on", **plugin._asdict()} for order, plugin in enumerate(line.plugins.describe(), 1)
    ]
    names = {row["name"] for row in loaded}
    settings = line.settings
    return loaded + [
        {"order": None, "state": "disabled" if plugin.name in settings.disable else "not named", **plugin._asdict()}
        for plugin in left_out(settings)
        if plugin.name not in names
    ]
