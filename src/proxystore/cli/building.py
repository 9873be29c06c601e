"""The command line put together: our groups, then what plugins add."""

from __future__ import annotations

from importlib import metadata
from typing import Annotated, Any

import typer
from typer.main import get_command_name

from proxystore.cli.commandline import CommandLine
from proxystore.cli.db import db
from proxystore.cli.demo import demo
from proxystore.cli.doctor import doctor
from proxystore.cli.forward import forward
from proxystore.cli.globals import Globals
from proxystore.cli.keys import keys
from proxystore.cli.ledger import ledger
from proxystore.cli.models.families import families
from proxystore.cli.models.models import models
from proxystore.cli.models.providers import providers
from proxystore.cli.plugins import plugins
from proxystore.cli.projects import projects
from proxystore.cli.root import Root
from proxystore.cli.run import run
from proxystore.cli.secret import secrets
from proxystore.cli.settings import settings as settings_group
from proxystore.hooks import Plugins, disabled_in_vain
from proxystore.settings import Settings

DISTRIBUTION = "asgi-proxystore"
DOCTOR = "doctor"
"""The command that must run whatever is wrong: it reads the settings and loads the plugins itself."""
_SERVING = ("run", "forward")  # load them themselves, with those that ``--plugin`` adds, whose settings may be there


def build(settings: Settings, wanted: str | None = None) -> typer.Typer:
    """Return the command line with the commands of the plugins that *settings* name.

    Args:
        settings: Which plugins, and what commands find in ``context.obj``.
        wanted: A command or a group. If there is one of that name, all others are left out: typer reads the signature
            of everything that it is given, which takes longer than most commands.

    Raises:
        PluginError: A plugin cannot be loaded, or could not add its commands.
    """
    loaded = Plugins.load(Settings(plugins=()) if wanted in _SERVING else settings)
    cli = typer.Typer(cls=Root, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None)

    @cli.callback()
    def _start(
        context: typer.Context,
        *,
        database: Annotated[str | None, typer.Option(metavar="URL", help="The database to use.")] = None,
        config: Annotated[str | None, typer.Option(metavar="FILE", help="The settings file to read.")] = None,
        disable: Annotated[
            list[str] | None, typer.Option(metavar="PLUGIN", help="A plugin to leave out; may be said several times.")
        ] = None,
        debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
        version: Annotated[bool, typer.Option("--version", is_eager=True, callback=_print_version)] = False,  # noqa: ARG001
    ) -> None:
        """Client keys, limits, usage, audit and a response cache for any ASGI LLM proxy.

        --database, --config, --disable and --debug may stand anywhere.
        """
        given = Globals(database, config, debug, tuple(disable or ()))
        needs_settings = context.invoked_subcommand != DOCTOR and (database or config or disable)
        context.obj = CommandLine(given.load() if needs_settings else settings, loaded, config)
        for name in disabled_in_vain(context.obj.settings):
            typer.echo(f"note: there is no plugin {name!r} to leave out", err=True)

    cli.command(no_args_is_help=False)(run)
    cli.command(no_args_is_help=False)(forward)
    cli.command()(demo)
    cli.command(DOCTOR)(doctor)
    cli.add_typer(keys, name="keys")
    cli.add_typer(projects, name="projects")
    cli.add_typer(secrets, name="secrets")
    cli.add_typer(settings_group, name="settings")
    cli.add_typer(plugins, name="plugins")
    cli.add_typer(db, name="db")
    cli.add_typer(ledger, name="ledger")
    cli.add_typer(models, name="models")
    cli.add_typer(providers, name="providers")
    cli.add_typer(families, name="families")
    loaded.register_commands(cli)
    _leave_out_all_but(cli, wanted)
    return cli


def _leave_out_all_but(cli: typer.Typer, wanted: str | None) -> None:
    commands = [each for each in cli.registered_commands if _name(each) == wanted]
    groups = [each for each in cli.registered_groups if each.name == wanted]
    if wanted and (commands or groups):
        cli.registered_commands, cli.registered_groups = commands, groups


def _name(command: Any) -> str:
    return command.name or get_command_name(command.callback.__name__)


def _print_version(value: bool) -> None:  # noqa: FBT001
    if value:
        typer.echo(f"{DISTRIBUTION} {metadata.version(DISTRIBUTION)}")
        raise typer.Exit
