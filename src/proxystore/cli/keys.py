"""``proxystore keys``: what clients call with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from proxystore.cli import key_options as said
from proxystore.cli import options
from proxystore.cli.commandline import CommandLine
from proxystore.cli.key_metadata import key_metadata
from proxystore.cli.key_options import (
    Keys,
    cleared,
    described,
    given,
    id_of,
    known,
    made,
    named,
    read_secret,
    settings_given,
    tell_new,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from proxystore.records import KeyRecord
    from proxystore.repositories.keys import KeyRepository
    from proxystore.store import Store

T = TypeVar("T")

keys = typer.Typer(help="What clients call with.", no_args_is_help=True)
keys.add_typer(key_metadata, name="metadata")

_Before = Annotated[str | None, typer.Option(metavar="KEY", help="Only those older than this: the last of a page.")]
_Active = Annotated[bool | None, typer.Option("--active/--inactive", help="Only those that are; or that are not.")]
_Expired = Annotated[bool, typer.Option("--expired", help="Only those whose time is over.")]
_Deleted = Annotated[bool, typer.Option("--deleted", help="Those that are deleted, too.")]
_Origin = Annotated[said.Origin | None, typer.Option(help="Only those with such a secret.")]
_Fingerprint = Annotated[str, typer.Argument(metavar="FINGERPRINT", help="64 hexadecimal digits.", show_default=False)]
_Some = Annotated[
    list[str] | None, typer.Argument(metavar="KEY...", help="Their ids, key_…, or their names.", show_default=False)
]
_OfProject = Annotated[str | None, typer.Option("--project", help="All of this project, by its name or id.")]
_AllExpired = Annotated[bool, typer.Option("--expired", help="All whose time is over.")]


@keys.command(cls=said.Naming)
def create(
    context: typer.Context,
    name: said.Name,
    *,
    project: said.InProject = None,
    model: said.Models = None,
    requests_per_minute: said.Requests = None,
    tokens_per_minute: said.Tokens = None,
    max_requests: said.MaxRequests = None,
    daily_budget: said.Daily = None,
    monthly_budget: said.Monthly = None,
    expires: said.Expires = None,
    setting: said.Settings = None,
    as_json: options.Json = False,
) -> None:
    """Make a key, and print its secret: the only time it is told."""
    line: CommandLine = context.obj
    wanted = given(
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
    tell_new(line, line.ask(lambda store: made(store, actor=line.actor, **wanted)), as_json=as_json)


@keys.command("list")
def list_keys(
    context: typer.Context,
    *,
    limit: options.Limit = 50,
    before: _Before = None,
    project: said.OfProject = None,
    active: _Active = None,
    name: said.OfName = None,
    origin: _Origin = None,
    expired: _Expired = False,
    deleted: _Deleted = False,
    as_json: options.Json = False,
) -> None:
    """List keys, newest first; the next page is --before the last of this one."""
    line: CommandLine = context.obj

    async def read(store: Store) -> Keys:
        found = await store.keys.list(
            limit=limit,
            before=before,
            project=project,
            active=active,
            name=name,
            origin=origin,
            expired=expired,
            deleted=deleted,
        )
        return await known(store, *found)

    found = line.ask(read)
    line.show(found.records, found.columns, whole=found.whole, as_json=as_json)


@keys.command()
def show(context: typer.Context, key: said.Key, *, as_json: options.Json = False) -> None:
    """Show everything about a key but its secret, which nobody knows."""
    line: CommandLine = context.obj
    _change(line, key, lambda keys, key_id: keys.get(key_id)).show(line, as_json=as_json)


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
    as_json: options.Json = False,
) -> None:
    """Change what is given, and leave the rest."""
    line: CommandLine = context.obj
    wanted: dict[str, Any] = cleared(clear) | given(
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

    async def change(store: Store) -> Keys:
        key_id = await id_of(store, key)
        if setting:
            wanted["settings"] = settings_given(setting, (await store.keys.get(key_id)).settings)
        changed = await store.keys.update(key_id, **wanted, actor=line.actor)
        return await (known if name is None else named)(store, changed)

    line.ask(change).show(line, as_json=as_json)


@keys.command()
def rotate(context: typer.Context, key: said.Key, *, grace: said.Grace = None, as_json: options.Json = False) -> None:
    """Give a key another secret, and print it: the only time it is told. The old one ends now, or after --grace."""
    line: CommandLine = context.obj
    new = _with(line, key, lambda keys, key_id: keys.rotate(key_id, grace=grace, actor=line.actor))
    tell_new(line, new, as_json=as_json)


@keys.command("import", cls=said.Naming)
def import_key(
    context: typer.Context,
    name: said.Name,
    *,
    project: said.InProject = None,
    model: said.Models = None,
    requests_per_minute: said.Requests = None,
    tokens_per_minute: said.Tokens = None,
    max_requests: said.MaxRequests = None,
    daily_budget: said.Daily = None,
    monthly_budget: said.Monthly = None,
    expires: said.Expires = None,
    setting: said.Settings = None,
    as_json: options.Json = False,
) -> None:
    """Take over a key that clients have already, read from standard input."""
    line: CommandLine = context.obj
    wanted = given(
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
    secret = read_secret()

    async def take(store: Store) -> Keys:
        return await named(store, await store.keys.import_key(secret, **wanted, actor=line.actor))

    line.ask(take).show(line, as_json=as_json)


@keys.command(cls=said.Naming)
def adopt(
    context: typer.Context,
    fingerprint: _Fingerprint,
    name: said.Name,
    *,
    project: said.InProject = None,
    as_json: options.Json = False,
) -> None:
    """Make a key of a credential that was seen under `auth = observe`, without ever knowing it."""
    line: CommandLine = context.obj
    wanted = given(name=name, project=project)

    async def adopted(store: Store) -> Keys:
        return await named(store, await store.keys.adopt(fingerprint, **wanted, actor=line.actor))

    line.ask(adopted).show(line, as_json=as_json)


@keys.command()
def deactivate(context: typer.Context, key: said.Key, *, as_json: options.Json = False) -> None:
    """Refuse a key until it is reactivated."""
    line: CommandLine = context.obj
    _change(line, key, lambda keys, key_id: keys.deactivate(key_id, actor=line.actor)).show(line, as_json=as_json)


@keys.command()
def reactivate(context: typer.Context, key: said.Key, *, as_json: options.Json = False) -> None:
    """Let a key that was deactivated be used again."""
    line: CommandLine = context.obj
    _change(line, key, lambda keys, key_id: keys.reactivate(key_id, actor=line.actor)).show(line, as_json=as_json)


@keys.command()
def revoke(
    context: typer.Context, key: _Some = None, *, project: _OfProject = None, expired: _AllExpired = False
) -> None:
    """Refuse keys for ever: those named, all of a project, or all whose time is over."""
    line: CommandLine = context.obj
    if sum(map(bool, (key, project, expired))) != 1:
        raise typer.BadParameter("name keys, or --project, or --expired: one of the three")

    async def work(store: Store) -> int:
        if expired:
            return await store.keys.revoke_expired(actor=line.actor)
        if project:
            return await store.keys.revoke_project(project, actor=line.actor)
        ids = [await id_of(store, each) for each in key or ()]
        for each in ids:
            await store.keys.get(each)  # what is mistyped is told, before anything is done
        return await store.keys.revoke_many(ids, actor=line.actor)

    typer.echo(f"revoked {line.ask(work)}")


@keys.command()
def delete(context: typer.Context, key: said.Key, *, yes: options.Yes = False) -> None:
    """Revoke a key and hide it; what it did stays on record. Asks first."""
    line: CommandLine = context.obj

    async def work(keys: KeyRepository, key_id: str) -> str:
        found = await keys.get(key_id)
        if not yes:
            typer.confirm(f"This revokes {described(found)} for ever and hides it. Go on?", abort=True, err=True)
        await keys.delete(key_id, actor=line.actor)
        return described(found)

    typer.echo(f"deleted {_with(line, key, work)}")


def _with(line: CommandLine, key: str, work: Callable[[KeyRepository, str], Awaitable[T]]) -> T:
    """Return what *work* makes of all keys and the id of the one that is called *key*."""

    async def done(store: Store) -> T:
        return await work(store.keys, await id_of(store, key))

    return line.ask(done)


def _change(line: CommandLine, key: str, work: Callable[[KeyRepository, str], Awaitable[KeyRecord]]) -> Keys:
    """Return the key that *work* returns, ready to be shown."""

    async def done(store: Store) -> Keys:
        return await known(store, await work(store.keys, await id_of(store, key)))

    return line.ask(done)
