"""``proxystore providers``: who runs models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final

import typer

from proxystore.cli.commandline import CommandLine
from proxystore.cli.models.options import Fields, Json, Yes, fields_of
from proxystore.cli.tables import Column
from proxystore.records.models import Provider

_LIST: Final = (
    Column("name"),
    Column("base_url"),
    Column("api_version"),
    Column("auth_method"),
    Column("description"),
    Column("source"),
)
_WHOLE: Final = tuple(Column(name) for name in Provider.__struct_fields__)
_Name = Annotated[str, typer.Argument(metavar="NAME", help="Such as openai.", show_default=False)]
_BaseUrl = Annotated[str | None, typer.Option(help="Where its API is.")]
_ApiVersion = Annotated[str | None, typer.Option(help="Which version of it.")]
_AuthMethod = Annotated[str | None, typer.Option(help="How one gets in, such as bearer.")]
_Description = Annotated[str | None, typer.Option(help="What else to know.")]

providers = typer.Typer(help="Who runs models.", no_args_is_help=True)


@providers.command("list")
def list_providers(context: typer.Context, *, as_json: Json = False) -> None:
    """List every provider."""
    line: CommandLine = context.obj

    async def read() -> Sequence[Provider]:
        async with line.store() as store:
            return await store.providers.list()

    line.show(line.run(read()), _WHOLE if as_json else _LIST, as_json=as_json)


@providers.command()
def show(context: typer.Context, name: _Name, *, as_json: Json = False) -> None:
    """Show everything about one."""
    line: CommandLine = context.obj

    async def read() -> Provider:
        async with line.store() as store:
            return await store.providers.get(name)

    line.show([line.run(read())], _WHOLE, as_json=as_json)


@providers.command()
def add(
    context: typer.Context,
    name: _Name,
    *,
    base_url: _BaseUrl = None,
    api_version: _ApiVersion = None,
    auth_method: _AuthMethod = None,
    description: _Description = None,
    fields: Fields = [],  # noqa: B006  what typer wants
    as_json: Json = False,
) -> None:
    """Add a provider; `--set features=…` and `--set config=…` take JSON."""
    line: CommandLine = context.obj
    said = _said(base_url, api_version, auth_method, description) | fields_of(fields)

    async def work() -> Provider:
        async with line.store() as store:
            return await store.providers.create(name, actor=line.actor, **said)

    line.show([line.run(work())], _WHOLE if as_json else _LIST, as_json=as_json)


@providers.command()
def update(
    context: typer.Context,
    name: _Name,
    *,
    base_url: _BaseUrl = None,
    api_version: _ApiVersion = None,
    auth_method: _AuthMethod = None,
    description: _Description = None,
    fields: Fields = [],  # noqa: B006  as above
    as_json: Json = False,
) -> None:
    """Change what is known of one."""
    line: CommandLine = context.obj
    said = _said(base_url, api_version, auth_method, description) | fields_of(fields)

    async def work() -> Provider:
        async with line.store() as store:
            return await store.providers.update(name, actor=line.actor, **said)

    line.show([line.run(work())], _WHOLE if as_json else _LIST, as_json=as_json)


@providers.command()
def remove(context: typer.Context, name: _Name, *, yes: Yes = False) -> None:
    """Remove a provider that has no models and no families."""
    line: CommandLine = context.obj
    if not yes:
        typer.confirm(f"This removes {name}. Go on?", abort=True, err=True)

    async def work() -> None:
        async with line.store() as store:
            await store.providers.delete(name, actor=line.actor)

    line.run(work())
    typer.echo(f"removed {name}")


def _said(
    base_url: str | None, api_version: str | None, auth_method: str | None, description: str | None
) -> dict[str, Any]:
    said = {
        "base_url": base_url,
        "api_version": api_version,
        "auth_method": auth_method,
        "description": description,
    }
    return {name: value for name, value in said.items() if value is not None}
