"""``proxystore cache``: what is kept, and having it forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from proxystore import Column, CommandLine, NotFound, SpaceStats, options

if TYPE_CHECKING:
    from proxystore import Store

_RESPONSES = "responses"
_WHOLE = tuple(Column(name) for name in SpaceStats.__struct_fields__)
_SHOWN = (
    Column("space"),
    Column("is_open", "usable"),
    Column("entries"),
    Column("disk_bytes", "bytes on disk"),
    Column("table_entries", "in the table"),
    Column("table_bytes", "bytes there"),
)


def _hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise typer.BadParameter("hexadecimal digits, two for each byte") from None


_Space = Annotated[str, typer.Option("--space", help="Which space; that of the response cache if not said.")]
_All = Annotated[bool, typer.Option("--all", help="Everything in it.")]
_Model = Annotated[str | None, typer.Option("--model", help="Answers of a model, by the name that was asked for.")]
_Project = Annotated[str | None, typer.Option("--project", help="Answers to a project, by its name or id.")]
_ApiKey = Annotated[
    str | None, typer.Option("--api-key", help="Answers that a key has asked for first, by its name or id.")
]
_Tag = Annotated[list[str] | None, typer.Option("--tag", help="What has this tag; may be given more than once.")]
_Prefix = Annotated[bytes | None, typer.Option("--prefix", parser=_hex, help="Entries whose key begins so, in hex.")]
_Key = Annotated[bytes | None, typer.Option("--key", parser=_hex, help="The one entry of this key, in hex.")]

cache = typer.Typer(help="What is kept so that nobody has to ask for it twice.", no_args_is_help=True)


@cache.command()
def stats(context: typer.Context, *, as_json: options.Json = False) -> None:
    """Show what this host keeps on disk, and what hosts share in the database."""
    line: CommandLine = context.obj

    async def measure(store: Store) -> list[SpaceStats]:
        return [await store.cache.space(name).stats() for name in await store.cache.known()]

    line.show(line.ask(measure), _SHOWN, whole=_WHOLE, as_json=as_json)


@cache.command()
def refresh(context: typer.Context) -> None:
    """Have every process ask again for keys, projects and models: for rows that were edited by hand."""
    line: CommandLine = context.obj

    async def touch(store: Store) -> None:
        async with store.changes.begin("cache", action="cache.refresh", actor=line.actor) as everything:
            everything.touched(None, aggregate="api_key")
            everything.touched(None, aggregate="project")
            everything.touched(None, aggregate="model")

    line.ask(touch)
    typer.echo("every process asks again, within a second")


@cache.command()
def purge(
    context: typer.Context,
    *,
    everything: _All = False,
    model: _Model = None,
    project: _Project = None,
    api_key: _ApiKey = None,
    tag: _Tag = None,
    prefix: _Prefix = None,
    key: _Key = None,
    space: _Space = _RESPONSES,
    as_json: options.Json = False,
) -> None:
    """Forget entries, on every host: all of them, or those of a model, a project, a key, a tag."""
    is_tagged = bool(model or project or api_key or tag)
    if sum((everything, is_tagged, prefix is not None, key is not None)) != 1:
        raise typer.BadParameter("say what is to be forgotten: --all, --prefix, --key, or one or more of the others")
    line: CommandLine = context.obj

    async def forget(store: Store) -> int:
        await _refuse_unknown(store, space)
        where = store.cache.space(space)
        if not is_tagged:
            return await where.purge(key or prefix or b"", actor=line.actor)
        tags = {
            "model": model,
            "project": project and await options.project_id(store, project),
            "key": api_key and await options.key_id(store, api_key),
        }
        named = [f"{kind}:{name}" for kind, name in tags.items() if name]
        return await where.invalidate(*named, *(tag or ()), actor=line.actor)

    count = line.ask(forget)
    if as_json:
        line.show_one({"space": space, "purged": count}, (Column("space"), Column("purged")), as_json=True)
    else:
        typer.echo(f"forgot {count:,}")


async def _refuse_unknown(store: Store, space: str) -> None:
    # To ask for a space is to make it. That of the response cache may be on other hosts alone, who hear of it.
    known = sorted({_RESPONSES, *await store.cache.known()})
    if space not in known:
        raise NotFound(f"There is no space {space!r} on this host; there are: {', '.join(known)}.")
