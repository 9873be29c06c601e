"""``proxystore run``: an application that this project did not write, wrapped and served by uvicorn."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from proxystore.cli.commandline import CommandLine
from proxystore.cli.root import told
from proxystore.errors import ProxyStoreError, SettingsError
from proxystore.hooks import Plugins
from proxystore.settings import Settings

_FACTORY: Final = "proxystore.asgi.serving:create_app"
_TRY: Final = "import sys; sys.path.insert(0, sys.argv[1]); from proxystore.cli.run import try_loading; try_loading()"


class LogFormat(StrEnum):  # typer 0.16 knows no Literal
    """How log lines look."""

    TEXT = "text"
    JSON = "json"


def run(
    context: typer.Context,
    app: Annotated[str | None, typer.Argument(metavar="MODULE:APP", help="Else the setting app.")] = None,
    uvicorn_options: Annotated[list[str] | None, typer.Argument(metavar="-- UVICORN_OPTIONS")] = None,
    *,
    factory: Annotated[bool, typer.Option("--factory", help="APP is called and returns the application.")] = False,
    app_dir: Annotated[Path, typer.Option(help="Where MODULE is looked for.")] = Path(),
    host: Annotated[str | None, typer.Option(help="The address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="The port to listen on; 0 is any.")] = None,
    workers: Annotated[int, typer.Option(min=1, envvar="WEB_CONCURRENCY", help="How many processes serve.")] = 1,
    reload: Annotated[bool, typer.Option("--reload", help="Start anew when a file changes.")] = False,
    plugin: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME_OR_MODULE:CLASS", help="Load this plugin too; may be given several times."),
    ] = None,
    log_format: Annotated[LogFormat | None, typer.Option(help="How log lines look.")] = None,
) -> None:
    """Serve MODULE:APP with what the plugins do around it; what stands after -- goes to uvicorn."""
    line: CommandLine = context.obj
    if app is not None and ":" not in app:
        raise typer.BadParameter(f"{app} may be MODULE:APP, such as mygateway:app")
    if reload and workers > 1:
        raise typer.BadParameter("give either --reload or --workers")
    if not app_dir.is_dir():
        raise SettingsError(f"--app-dir is {app_dir}, which is not a directory")
    place = str(app_dir.resolve())
    sys.path.insert(0, place)
    # Workers are processes of their own: they read their settings as this one did, so what was given here is put there.
    os.environ.update(_handed_on(line, app, plugin or [], is_factory=factory, log_format=log_format))
    settings = Settings.load()
    if settings.app is None:
        raise SettingsError("say which application to serve: proxystore run MODULE:APP, or PROXYSTORE_APP")
    Plugins.load(settings)
    line.announce_database()
    if workers > 1:
        _try_in_child(place)
    how = ["--reload", "--reload-dir", place] if reload else ["--workers", str(workers)]
    where = [*_option("--host", host), *_option("--port", port), "--app-dir", place]
    _serve([_FACTORY, "--factory", *where, *how, "--log-config", _log_config(settings), *(uvicorn_options or [])])


def try_loading() -> None:
    """Load the application as a worker will, or say on stderr why that cannot be, and exit."""
    from proxystore.asgi.serving import create_app

    try:
        create_app()
    except ProxyStoreError as error:
        told(error)
        sys.exit(1)


def _handed_on(
    line: CommandLine, app: str | None, more_plugins: Sequence[str], *, is_factory: bool, log_format: LogFormat | None
) -> dict[str, str]:
    """Return the environment that leads a worker to the settings of this command."""
    settings, environ = line.settings, {}
    if settings.sources["database_url"] == "argument":
        environ["PROXYSTORE_DATABASE_URL"] = settings.database_url
    if line.config is not None:
        environ["PROXYSTORE_CONFIG"] = str(Path(line.config).resolve())
    if app is not None:
        environ["PROXYSTORE_APP"] = app
    if app is not None or is_factory:
        environ["PROXYSTORE_APP_FACTORY"] = str(is_factory)
    if log_format is not None:
        environ["PROXYSTORE_LOG_FORMAT"] = log_format.value
    if more_plugins:
        named = settings.plugins if settings.plugins is not None else line.plugins.names()
        environ["PROXYSTORE_PLUGINS"] = json.dumps(list(dict.fromkeys([*named, *more_plugins])))
        environ["PROXYSTORE_DISABLE"] = json.dumps([name for name in settings.disable if name not in more_plugins])
    return environ


def _try_in_child(place: str) -> None:
    # uvicorn starts a worker that dies again and again; and what the application holds stays out of this process.
    if subprocess.run([sys.executable, "-c", _TRY, place], check=False).returncode:
        raise typer.Exit(1)


def _option(name: str, value: object) -> list[str]:
    return [] if value is None else [name, str(value)]


def _log_config(settings: Settings) -> str:
    from proxystore import asgi

    return str(Path(asgi.__file__).with_name(f"logs_{settings.log_format}.json"))


def _serve(arguments: list[str]) -> None:
    import click
    import uvicorn

    command = uvicorn.main
    try:
        with command.make_context("proxystore run … --", arguments) as context:
            command.invoke(context)
    except click.exceptions.Exit as ended:
        raise typer.Exit(ended.exit_code) from None
    except click.ClickException as error:  # not always typer's own kind of error
        error.show()
        raise typer.Exit(error.exit_code) from None
    except KeyboardInterrupt:  # older uvicorns raise it again after an orderly end
        return
