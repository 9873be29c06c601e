"""``proxystore projects``: what keys belong to."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from proxystore.cli import key_options as said
from proxystore.cli import options
from proxystore.cli.commandline import CommandLine
from proxystore.cli.key_options import PROJECTS, WHOLE_PROJECT, given, settings_given

projects = typer.Typer(help="What keys belong to.", no_args_is_help=True)

_Before = Annotated[str | None, typer.Option(metavar="ID", help="Only those older than this: the last of a page.")]
_Active = Annotated[bool | None, typer.Option("--active/--inactive", help="Only those that are; or that are not.")]
_Deleted = Annotated[bool, typer.Option("--deleted", help="Those that are deleted, too.")]
_Name = Annotated[str, typer.Argument(metavar="NAME", help="Unique among projects.", show_default=False)]
_Revoke = Annotated[bool, typer.Option("--revoke-keys", help="Refuse its keys for ever, not only until then.")]


@projects.command()
def create(
    context: typer.Context, name: _Name, *, setting: said.Settings = None, as_json: options.Json = False
) -> None:
    """Make a project."""
    line: CommandLine = context.obj
    wanted = given(name=name, settings=settings_given(setting, {}))
    made = line.ask(lambda store: store.projects.create(**wanted, actor=line.actor))
    line.show_one(made, WHOLE_PROJECT, as_json=as_json)


@projects.command("list")
def list_projects(
    context: typer.Context,
    *,
    limit: options.Limit = 50,
    before: _Before = None,
    active: _Active = None,
    deleted: _Deleted = False,
    as_json: options.Json = False,
) -> None:
    """List projects, newest first; the next page is --before the last of this one."""
    line: CommandLine = context.obj
    found = line.ask(lambda store: store.projects.list(limit=limit, before=before, active=active, deleted=deleted))
    line.show(found, PROJECTS, whole=WHOLE_PROJECT, as_json=as_json)


@projects.command()
def show(context: typer.Context, project: said.Project, *, as_json: options.Json = False) -> None:
    """Show everything about a project."""
    line: CommandLine = context.obj
    line.show_one(line.ask(lambda store: store.projects.get(project)), WHOLE_PROJECT, as_json=as_json)


@projects.command()
def update(
    context: typer.Context,
    project: said.Project,
    *,
    name: said.NewName = None,
    setting: said.Settings = None,
    as_json: options.Json = False,
) -> None:
    """Change what is given, and leave the rest."""
    line: CommandLine = context.obj

    async def work(store: Any) -> Any:
        now = (await store.projects.get(project)).settings
        wanted = given(name=name, settings=settings_given(setting, now))
        return await store.projects.update(project, **wanted, actor=line.actor)

    line.show_one(line.ask(work), WHOLE_PROJECT, as_json=as_json)


@projects.command()
def deactivate(
    context: typer.Context, project: said.Project, *, revoke_keys: _Revoke = False, as_json: options.Json = False
) -> None:
    """Refuse all keys of a project until it is reactivated."""
    line: CommandLine = context.obj
    changed = line.ask(lambda store: store.projects.deactivate(project, revoke_keys=revoke_keys, actor=line.actor))
    line.show_one(changed, WHOLE_PROJECT, as_json=as_json)


@projects.command()
def reactivate(context: typer.Context, project: said.Project, *, as_json: options.Json = False) -> None:
    """Let the keys of a project be used again, but for those that were revoked."""
    line: CommandLine = context.obj
    changed = line.ask(lambda store: store.projects.reactivate(project, actor=line.actor))
    line.show_one(changed, WHOLE_PROJECT, as_json=as_json)


@projects.command()
def delete(context: typer.Context, project: said.Project, *, yes: options.Yes = False) -> None:
    """Revoke all keys of a project and hide it; its history stays. Asks first."""
    line: CommandLine = context.obj

    async def work(store: Any) -> str:
        found = await store.projects.get(project)
        if not yes:
            question = f"This revokes every key of {found.name} for ever and hides it. Go on?"
            typer.confirm(question, abort=True, err=True)
        await store.projects.delete(found.id, actor=line.actor)
        return f"{found.id} ({found.name})"

    typer.echo(f"deleted {line.ask(work)}")
