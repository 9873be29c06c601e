"""What commands that serve have in common: options, settings handed on to workers, uvicorn."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final, TypeAlias

import typer

from proxystore.cli.commandline import CommandLine
from proxystore.hooks import wanted
from proxystore.settings import Settings

FACTORY: Final = "proxystore.asgi.serving:create_app"


class LogFormat(StrEnum):  # typer 0.16 knows no Literal
    """How log lines look."""

    TEXT = "text"
    JSON = "json"


Host: TypeAlias = Annotated[str | None, typer.Option(help="The address to listen on.")]
Port: TypeAlias = Annotated[int | None, typer.Option(min=0, max=65535, help="The port to listen on; 0 is any.")]
Workers: TypeAlias = Annotated[int, typer.Option(min=1, envvar="WEB_CONCURRENCY", help="How many processes serve.")]
PluginNames: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME_OR_MODULE:CLASS", help="Load this plugin too; may be given several times."),
]
LogFormatOption: TypeAlias = Annotated[LogFormat | None, typer.Option(help="How log lines look.")]
UvicornOptions: TypeAlias = Annotated[list[str] | None, typer.Argument(metavar="-- UVICORN_OPTIONS")]


def handed_on(line: CommandLine, more_plugins: Sequence[str], log_format: LogFormat | None) -> dict[str, str]:
    """Return the environment that leads a worker, a process of its own, to the settings of this command."""
    settings, environ = line.settings, {}
    if settings.sources["database_url"] == "argument":
        environ["PROXYSTORE_DATABASE_URL"] = settings.database_url
    if line.config is not None:
        environ["PROXYSTORE_CONFIG"] = str(Path(line.config).resolve())
    if settings.sources["gc_freeze"] == "default":
        environ["PROXYSTORE_GC_FREEZE"] = "true"  # the process is ours
    if log_format is not None:
        environ["PROXYSTORE_LOG_FORMAT"] = log_format.value
    if settings.sources["disable"] == "argument":
        environ["PROXYSTORE_DISABLE"] = json.dumps(list(settings.disable))
    if more_plugins:
        environ["PROXYSTORE_PLUGINS"] = json.dumps(list(dict.fromkeys([*wanted(settings), *more_plugins])))
        environ["PROXYSTORE_DISABLE"] = json.dumps([name for name in settings.disable if name not in more_plugins])
    return environ


def listening(host: str | None, port: int | None) -> list[str]:
    """Return uvicorn's options for where to listen."""
    return [*_option("--host", host), *_option("--port", port)]


def log_config(settings: Settings) -> str:
    """Return the file that tells uvicorn how log lines look."""
    from proxystore import asgi

    return str(Path(asgi.__file__).with_name(f"logs_{settings.log_format}.json"))


def stopping(settings: Settings) -> list[str]:
    """Return uvicorn's options for how long a server that is told to stop waits for answers that are on their way."""
    return ["--timeout-graceful-shutdown", str(math.ceil(settings.shutdown_grace))]


def serve(command: str, arguments: Sequence[str]) -> None:
    """Run uvicorn with *arguments*, as *command*, until it is stopped."""
    import click
    import uvicorn

    server = uvicorn.main
    try:
        with server.make_context(f"proxystore {command} … --", list(arguments)) as context:
            server.invoke(context)
    except click.exceptions.Exit as ended:
        raise typer.Exit(ended.exit_code) from None
    except click.ClickException as error:  # not always typer's own kind of error
        error.show()
        raise typer.Exit(error.exit_code) from None
    except KeyboardInterrupt:  # older uvicorns raise it again after an orderly end
        return


def _option(name: str, value: object) -> list[str]:
    return [] if value is None else [name, str(value)]
