"""``proxystore providers``: who runs models."""

from __future__ import annotations

from typing import Annotated, Any, Final

import typer

from proxystore.cli import options
from proxystore.cli.commandline import CommandLine
from proxystore.cli.models.options import Fields, fields_of
from proxystore.cli.tables import Column
from proxystore.records.models import Provider

_LIST: Final = (
    Column("name"),
    Column("base_url"),
    Column("api_version", spare=3),
    Column("auth_method", spare=2),
    Column("description"),
    Column("source", spare=1),
)
_WHOLE: Final = tuple(Column(name) for name in Provider.__struct_fields__)
_Name = Annotated[str, typer.Argument(metavar="NAME", help="Such as openai.", show_default=False)]
_BaseUrl = Annotated[str | None, typer.Option(help="Where its API is.")]
_ApiVersion = Annotated[str | None, typer.Option(help="Which version of it.")]
_AuthMethod = Annotated[str | None, typer.Option(help="How one gets in, such as bearer.")]
_Description = Annotated[str | None, typer.Option(help="What else to know.")]

providers = typer.Typer(help="Who runs models.", no_args_is_help=True)


@providers.command("list")
def list_providers(context: typer.Context, *, as_json: options.Json = False) -> None:
    """List every provider."""
    line: CommandLine = context.obj

    line.show(line.ask(lambda store: store.providers.list()), _LIST, whole=_WHOLE, as_json=as_json)


@providers.command()
def show(context: typer.Context, name: _Name, *, as_json: options.Json = False) -> None:
    """Show everything about one."""
    line: CommandLine = context.obj

    line.show_one(line.ask(lambda store: store.providers.get(name)), _WHOLE, as_json=as_json)


@providers.command()
def create(
    context: typer.Context,
    name: _Name,
    *,
    base_url: _BaseUrl = None,
    api_version: _ApiVersion = None,
    auth_method: _AuthMethod = None,
    description: _Description = None,
    fields: Fields = [],  # noqa: B006  what typer wants
    as_json: options.Json = False,
) -> None:
    """Make a provider known; `--set features=…` and `--set config=…` take JSON."""
    line: CommandLine = context.obj
    said = _said(base_url, api_version, auth_method, description) | fields_of(fields)

    made = line.ask(lambda store: store.providers.create(name, actor=line.actor, **said))
    line.show_one(made, _WHOLE, as_json=as_json)


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
    as_json: options.Json = False,
) -> None:
    """Change what is known of one."""
    line: CommandLine = context.obj
    said = _said(base_url, api_version, auth_method, description) | fields_of(fields)

    changed = line.ask(lambda store: store.providers.update(name, actor=line.actor, **said))
    line.show_one(changed, _WHOLE, as_json=as_json)


@providers.command()
def delete(context: typer.Context, name: _Name, *, yes: options.Yes = False) -> None:
    """Delete a provider that has no models and no families."""
    line: CommandLine = context.obj
    if not yes:
        typer.confirm(f"This deletes {name}. Go on?", abort=True, err=True)

    line.ask(lambda store: store.providers.delete(name, actor=line.actor))
    typer.echo(f"deleted {name}")


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
