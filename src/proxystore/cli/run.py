"""``proxystore run``: an application that this project did not write, wrapped and served by uvicorn."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from proxystore.cli import serving
from proxystore.cli.commandline import CommandLine
from proxystore.cli.root import told
from proxystore.errors import ProxyStoreError, SettingsError
from proxystore.hooks import Plugins
from proxystore.settings import Settings

_TRY: Final = "import sys; sys.path.insert(0, sys.argv[1]); from proxystore.cli.run import try_loading; try_loading()"


def run(
    context: typer.Context,
    app: Annotated[str | None, typer.Argument(metavar="MODULE:APP", help="Else the setting app.")] = None,
    uvicorn_options: serving.UvicornOptions = None,
    *,
    factory: Annotated[bool, typer.Option("--factory", help="APP is called and returns the application.")] = False,
    app_dir: Annotated[Path, typer.Option(help="Where MODULE is looked for.")] = Path(),
    host: serving.Host = None,
    port: serving.Port = None,
    workers: serving.Workers = 1,
    reload: Annotated[bool, typer.Option("--reload", help="Start anew when a file changes.")] = False,
    plugin: serving.PluginNames = None,
    log_format: serving.LogFormatOption = None,
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
    os.environ.update(serving.handed_on(line, plugin or [], log_format))
    os.environ.update(_named(app, is_factory=factory))
    settings = Settings.load()
    if settings.app is None:
        raise SettingsError("say which application to serve: proxystore run MODULE:APP, or PROXYSTORE_APP")
    Plugins.load(settings)
    line.announce_database()
    if workers > 1:
        _try_in_child(place)
    how = ["--reload", "--reload-dir", place] if reload else ["--workers", str(workers)]
    where = [*serving.listening(host, port), "--app-dir", place, "--log-config", serving.log_config(settings)]
    options = [*where, *how, *serving.stopping(settings), *(uvicorn_options or [])]
    serving.serve("run", [serving.FACTORY, "--factory", *options])


def try_loading() -> None:
    """Load the application as a worker will, or say on stderr why that cannot be, and exit."""
    from proxystore.asgi.serving import create_app

    try:
        create_app()
    except ProxyStoreError as error:
        told(error)
        sys.exit(1)


def _named(app: str | None, *, is_factory: bool) -> dict[str, str]:
    environ = {} if app is None else {"PROXYSTORE_APP": app}
    if app is not None or is_factory:
        environ["PROXYSTORE_APP_FACTORY"] = str(is_factory)
    return environ


def _try_in_child(place: str) -> None:
    # uvicorn starts a worker that dies again and again; and what the application holds stays out of this process.
    if subprocess.run([sys.executable, "-c", _TRY, place], check=False).returncode:
        raise typer.Exit(1)
