"""``proxystore demo``: the main job in one command."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Annotated, Final

import typer

from proxystore.cli.commandline import CommandLine
from proxystore.cli.tables import Column
from proxystore.errors import ProxyStoreError

_COLUMNS: Final = (
    Column("requests"),
    Column("model"),
    Column("input_tokens", "tokens in"),
    Column("output_tokens", "tokens out"),
    Column("latency_ms", "latency", lambda value: f"{value:,} ms"),
    Column("status", write=str),
)


def demo(
    context: typer.Context,
    *,
    requests: Annotated[int, typer.Option(min=1, max=10_000, help="How many requests to make.")] = 24,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Where the proxy listens; 0 is any port.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Make a key; serve a real proxy, wrapped; send it traffic with the openai client; show what was recorded."""
    if any(find_spec(needed) is None for needed in ("openai", "aiohttp")):
        raise ProxyStoreError("the demo needs the openai client and aiohttp: pip install 'asgi-proxystore[demo]'")
    from proxystore.demo import run_demo

    line: CommandLine = context.obj
    line.announce_database()
    with line.progress("requests", requests) as advance:
        outcomes = line.run(
            run_demo(line.settings, requests=requests, port=port, on_start=_tell_address, on_done=advance)
        )
    line.show(outcomes, _COLUMNS, as_json=as_json)
    _tell_more(line)


def _tell_address(url: str) -> None:
    typer.echo(f"proxy: {url}, driven by the openai client", err=True)


def _tell_more(line: CommandLine) -> None:
    url = line.settings.url
    place = url.masked if url.path is None else url.path.resolve()
    again = f" --database {url.masked}" if line.settings.sources["database_url"] == "argument" else ""
    typer.echo(f"\nThis was read back from {place}. More of it:\n  proxystore usage summary{again}", err=True)
