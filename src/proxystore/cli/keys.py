"""``proxystore keys``: what clients call with."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from proxystore.cli import key_options as said
from proxystore.cli.commandline import CommandLine
from proxystore.cli.key_metadata import key_metadata
from proxystore.cli.key_options import (
    KEYS,
    WHOLE_KEY,
    cleared,
    described,
    given,
    read_secret,
    run,
    settings_given,
    show_one,
    tell_new,
)

keys = typer.Typer(help="What clients call with.", no_args_is_help=True)
keys.add_typer(key_metadata, name="metadata")

_Before = Annotated[str | None, typer.Option(metavar="KEY", help="Only those older than this: the last of a page.")]
_Active = Annotated[bool | None, typer.Option("--active/--inactive", help="Only those that are; or that are not.")]
_Expired = Annotated[bool, typer.Option("--expired", help="Only those whose time is over.")]
_Deleted = Annotated[bool, typer.Option("--deleted", help="Those that are deleted, too.")]
_Origin = Annotated[said.Origin | None, typer.Option(help="Only those with such a secret.")]
_Fingerprint = Annotated[str, typer.Argument(metavar="FINGERPRINT", help="64 hexadecimal digits.", show_default=False)]
_Some = Annotated[list[str] | None, typer.Argument(metavar="KEY...", help="Their ids, key_…", show_default=False)]
_OfProject = Annotated[str | None, typer.Option("--project", help="All of this project, by name or id.")]
_AllExpired = Annotated[bool, typer.Option("--expired", help="All whose time is over.")]


@keys.command()
def create(
    context: typer.Context,
    *,
    name: said.Name,
    project: said.InProject = None,
    model: said.Models = None,
    requests_per_minute: said.Requests = None,
    tokens_per_minute: said.Tokens = None,
    max_requests: said.MaxRequests = None,
    daily_budget: said.Daily = None,
    monthly_budget: said.Monthly = None,
    expires: said.Expires = None,
    setting: said.Settings = None,
    as_json: said.Json = False,
) -> None:
    """Make a key, and print its secret: the only time it is told."""
    line: CommandLine = context.obj
    options = given(
        name=name,
        project=project,
        models=model,
        requests_per_minute=requests_per_minute,
        tokens_per_minute=tokens_per_minute,
        max_requests=max_requests,
        daily_budget=daily_budget,
        monthly_budget=monthly_budget,
        expires_at=expires,
        settings=settings_given(setting, {}),
    )
    tell_new(line, run(line, lambda store: store.keys.create(**options, actor=line.actor)), as_json=as_json)


@keys.command("list")
def list_keys(
    context: typer.Context,
    *,
    limit: said.Limit = 50,
    before: _Before = None,
    project: said.InProject = None,
    active: _Active = None,
    name: said.NewName = None,
    origin: _Origin = None,
    expired: _Expired = False,
    deleted: _Deleted = False,
    as_json: said.Json = False,
) -> None:
    """List keys, newest first; the next page is --before the last of this one."""
    line: CommandLine = context.obj
    found = run(
        line,
        lambda store: store.keys.list(
            limit=limit,
            before=before,
            project=project,
            active=active,
            name=name,
            origin=origin,
            expired=expired,
            deleted=deleted,
        ),
    )
    line.show(found, WHOLE_KEY if as_json else KEYS, as_json=as_json)


@keys.command()
def show(context: typer.Context, key: said.Key, *, as_json: said.Json = False) -> None:
    """Show everything about a key but its secret, which nobody knows."""
    line: CommandLine = context.obj
    show_one(line, run(line, lambda store: store.keys.get(key)), WHOLE_KEY, as_json=as_json)


@keys.command()
def update(
    context: typer.Context,
    key: said.Key,
    *,
    name: said.NewName = None,
    project: said.InProject = None,
    model: said.Models = None,
    requests_per_minute: said.Requests = None,
    tokens_per_minute: said.Tokens = None,
    max_requests: said.MaxRequests = None,
    daily_budget: said.Daily = None,
    monthly_budget: said.Monthly = None,
    expires: said.Expires = None,
    setting: said.Settings = None,
    clear: said.Clear = None,
    as_json: said.Json = False,
) -> None:
    """Change what is given, and leave the rest."""
    line: CommandLine = context.obj
    options: dict[str, Any] = cleared(clear) | given(
        name=name,
        project=project,
        models=model,
        requests_per_minute=requests_per_minute,
        tokens_per_minute=tokens_per_minute,
        max_requests=max_requests,
        daily_budget=daily_budget,
        monthly_budget=monthly_budget,
        expires_at=expires,
    )

    async def change(store: Any) -> Any:
        if setting:
            options["settings"] = settings_given(setting, (await store.keys.get(key)).settings)
        return await store.keys.update(key, **options, actor=line.actor)

    show_one(line, run(line, change), WHOLE_KEY, as_json=as_json)


@keys.command()
def rotate(context: typer.Context, key: said.Key, *, grace: said.Grace = None, as_json: said.Json = False) -> None:
    """Give a key another secret, and print it: the only time it is told. The old one ends now, or after --grace."""
    line: CommandLine = context.obj
    tell_new(line, run(line, lambda store: store.keys.rotate(key, grace=grace, actor=line.actor)), as_json=as_json)


@keys.command("import")
def import_key(
    context: typer.Context,
    *,
    name: said.Name,
    project: said.InProject = None,
    model: said.Models = None,
    expires: said.Expires = None,
    as_json: said.Json = False,
) -> None:
    """Take over a key that clients have already, read from standard input; `update` gives it limits."""
    line: CommandLine = context.obj
    secret = read_secret()
    options = given(name=name, project=project, models=model, expires_at=expires)
    made = run(line, lambda store: store.keys.import_key(secret, **options, actor=line.actor))
    show_one(line, made, WHOLE_KEY, as_json=as_json)


@keys.command()
def adopt(
    context: typer.Context,
    fingerprint: _Fingerprint,
    *,
    name: said.Name,
    project: said.InProject = None,
    as_json: said.Json = False,
) -> None:
    """Make a key of a credential that was seen under `auth = observe`, without ever knowing it."""
    line: CommandLine = context.obj
    options = given(name=name, project=project)
    made = run(line, lambda store: store.keys.adopt(fingerprint, **options, actor=line.actor))
    show_one(line, made, WHOLE_KEY, as_json=as_json)


@keys.command()
def deactivate(context: typer.Context, key: said.Key, *, as_json: said.Json = False) -> None:
    """Refuse a key until it is reactivated."""
    line: CommandLine = context.obj
    show_one(line, run(line, lambda store: store.keys.deactivate(key, actor=line.actor)), WHOLE_KEY, as_json=as_json)


@keys.command()
def reactivate(context: typer.Context, key: said.Key, *, as_json: said.Json = False) -> None:
    """Let a key that was deactivated be used again."""
    line: CommandLine = context.obj
    show_one(line, run(line, lambda store: store.keys.reactivate(key, actor=line.actor)), WHOLE_KEY, as_json=as_json)


@keys.command()
def revoke(
    context: typer.Context, key: _Some = None, *, project: _OfProject = None, expired: _AllExpired = False
) -> None:
    """Refuse keys for ever: those named, all of a project, or all whose time is over."""
    line: CommandLine = context.obj
    if sum(map(bool, (key, project, expired))) != 1:
        raise typer.BadParameter("name keys, or --project, or --expired: one of the three")

    async def work(store: Any) -> int:
        if expired:
            return int(await store.keys.revoke_expired(actor=line.actor))
        if project:
            return int(await store.keys.revoke_project(project, actor=line.actor))
        for each in key or ():
            await store.keys.get(each)  # a name that is mistyped is told, before anything is done
        return int(await store.keys.revoke_many(key or (), actor=line.actor))

    typer.echo(f"revoked {run(line, work)}")


@keys.command()
def delete(context: typer.Context, key: said.Key, *, yes: said.Yes = False) -> None:
    """Revoke a key and hide it; what it did stays on record. Asks first."""
    line: CommandLine = context.obj

    async def work(store: Any) -> str:
        found = await store.keys.get(key)
        if not yes:
            typer.confirm(f"This revokes {described(found)} for ever and hides it. Go on?", abort=True, err=True)
        await store.keys.delete(key, actor=line.actor)
        return described(found)

    typer.echo(f"deleted {run(line, work)}")
