"""``proxystore settings``: what is set, and where."""

from __future__ import annotations

from typing import Any

import typer
from pydantic import SecretStr

from proxystore.cli import options
from proxystore.cli.commandline import CommandLine
from proxystore.cli.tables import Column, words
from proxystore.settings import Settings
from proxystore.settings.url import masked_urls

MASK = "***"


def _words(value: Any) -> str:
    return f"{value:g}s" if isinstance(value, float) else words(value)  # every float is a duration


_COLUMNS = (Column("name", "setting"), Column("value", write=_words), Column("source", "from"))

settings = typer.Typer(help="What is set, and where.", no_args_is_help=True)


@settings.command()
def show(context: typer.Context, *, as_json: options.Json = False) -> None:
    """Show each setting and where it came from; secrets are masked."""
    line: CommandLine = context.obj
    sources = line.settings.sources
    rows = [{"name": name, "value": _shown(line.settings, name), "source": sources[name]} for name in sources]
    line.show(rows, _COLUMNS, as_json=as_json)


def _shown(read: Settings, name: str) -> Any:
    if name.startswith("plugin."):
        return MASK  # only the plugin knows which of its fields are secrets
    value: Any = read
    for part in name.split("."):
        value = getattr(value, part)
    if name in ("database_url", "replicas"):
        return masked_urls(value)
    return MASK if isinstance(value, SecretStr) else _plain(value)


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return value if value is None or isinstance(value, bool | int | float) else str(value)
