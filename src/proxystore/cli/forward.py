"""``proxystore forward``: a reverse proxy, wrapped, in front of what is not ASGI."""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import Annotated, Final

import typer

from proxystore.cli import serving
from proxystore.cli.commandline import CommandLine
from proxystore.errors import ProxyStoreError, SettingsError
from proxystore.hooks import Plugins
from proxystore.settings import Settings

_APP: Final = "proxystore.forwarding:create_app"
# The upstream's own Date and Server go on, and X-Forwarded-For names the peer: whom to believe says trusted_proxies.
_AS_IT_CAME: Final = ("--no-date-header", "--no-server-header", "--no-proxy-headers")
_HERE: Final = frozenset({"localhost", "127.0.0.1", "::1", "0.0.0.0"})  # noqa: S104 — names, nothing is bound
_UVICORNS_PORT: Final = 8000
_SECONDS: Final = "SECONDS"


def forward(
    context: typer.Context,
    url: Annotated[str | None, typer.Argument(metavar="URL", help="Else the setting forward.url.")] = None,
    uvicorn_options: serving.UvicornOptions = None,
    *,
    host: serving.Host = None,
    port: serving.Port = None,
    workers: serving.Workers = 1,
    connect_timeout: Annotated[
        str | None, typer.Option(metavar=_SECONDS, help="How long a request waits for a connection.")
    ] = None,
    read_timeout: Annotated[
        str | None, typer.Option(metavar=_SECONDS, help="How long the upstream may be silent; 0 is for ever.")
    ] = None,
    max_connections: Annotated[
        int | None, typer.Option(min=1, help="Connections to the upstream at most, for each process.")
    ] = None,
    plugin: serving.PluginNames = None,
    log_format: serving.LogFormatOption = None,
) -> None:
    """Pass every request on to URL, with what the plugins do around it; what stands after -- goes to uvicorn."""
    line: CommandLine = context.obj
    if find_spec("aiohttp") is None:
        raise ProxyStoreError("forwarding needs aiohttp: pip install 'asgi-proxystore[forward]'")
    os.environ.update(serving.handed_on(line, plugin or [], log_format))
    given = {"URL": url, "CONNECT_TIMEOUT": connect_timeout, "READ_TIMEOUT": read_timeout}
    given["MAX_CONNECTIONS"] = None if max_connections is None else str(max_connections)
    os.environ.update({f"PROXYSTORE_FORWARD_{name}": value for name, value in given.items() if value is not None})
    os.environ.update({"PROXYSTORE_APP": _APP, "PROXYSTORE_APP_FACTORY": "true"})
    settings = Settings.load()
    _check(settings, host, port)
    Plugins.load(settings)
    line.announce_database()
    typer.echo(f"upstream: {settings.forward.url}", err=True)
    where = [*serving.listening(host, port), "--log-config", serving.log_config(settings)]
    how = ["--workers", str(workers), *_AS_IT_CAME, *serving.stopping(settings), *(uvicorn_options or [])]
    serving.serve("forward", [serving.FACTORY, "--factory", *where, *how])


def _check(settings: Settings, host: str | None, port: int | None) -> None:
    upstream = settings.forward.url
    if upstream is None:
        raise SettingsError("say where to forward to: proxystore forward URL, or PROXYSTORE_FORWARD_URL")
    if upstream.host in _HERE | {host} and upstream.port == (_UVICORNS_PORT if port is None else port):
        raise SettingsError(f"{upstream} is where this proxy would listen itself: give it another --port")
