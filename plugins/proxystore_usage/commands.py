"""``proxystore usage``: who used what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from proxystore import CommandLine, UsageEvent, options
from proxystore_usage.exporting import add_export
from proxystore_usage.options import Before, EndUser, Id, Key, Model, Project, clients, event, oldest, show
from proxystore_usage.reports import add_reports
from proxystore_usage.tables import EVENT_WHOLE, REPRICED, event_columns

if TYPE_CHECKING:
    from proxystore import Store

usage = typer.Typer(help="Who used what.", no_args_is_help=True)
add_reports(usage)
add_export(usage)


@usage.command("list")
def list_events(
    context: typer.Context,
    *,
    limit: options.Limit = 20,
    model: Model = None,
    key: Key = None,
    project: Project = None,
    end_user: EndUser = None,
    since: options.Since = None,
    until: options.Until = None,
    before: Before = None,
    as_json: options.Json = False,
    as_csv: options.Csv = False,
) -> None:
    """List single exchanges, newest first."""
    line: CommandLine = context.obj

    older = None if before is None else oldest(before)

    async def read(store: Store) -> tuple[list[UsageEvent], dict[str, str]]:
        whose = await clients(store, key=key, project=project)
        events = await store.usage.list(
            limit=limit, before=older, model=model, end_user=end_user, since=since, until=until, **whose
        )
        return events, await store.usage.key_names(each.key_id for each in events)

    events, names = line.ask(read)
    show(line, events, event_columns(names), EVENT_WHOLE, as_json=as_json, as_csv=as_csv)


@usage.command("show")
def show_event(context: typer.Context, event_id: Id, *, as_json: options.Json = False) -> None:
    """Show everything about one exchange."""
    line: CommandLine = context.obj

    found = line.ask(lambda store: event(store, event_id))
    line.show_one(found, EVENT_WHOLE, as_json=as_json)


@usage.command()
def reprice(context: typer.Context, *, since: options.Since, as_json: options.Json = False) -> None:
    """Reckon what was recorded anew, by the prices now known to have held then; roll-ups and open budgets follow.

    Nothing else ever changes a cost that was recorded. What has no known price keeps the cost it has.
    """
    line: CommandLine = context.obj
    if since is None:
        raise typer.BadParameter("say from which day on, as with --since 2026-11-01")

    async def work() -> list[Any]:
        days: list[Any] = []
        async with line.store() as store:
            try:
                with line.progress("repricing") as told:
                    async for day in store.ledger.reprice(since.date()):
                        days.append(day)
                        told(1)
            finally:  # each day is done by itself
                changed, nanousd = sum(day.changed for day in days), sum(day.nanousd for day in days)
                said = {"since": str(since.date()), "changed": changed, "nanousd": nanousd}
                await store.audit.record("usage.reprice", actor=line.actor, metadata=said)
        return [day for day in days if day.events]

    line.show(line.run(work()), REPRICED, as_json=as_json)


@usage.command()
def rebuild(context: typer.Context, *, since: options.Since = None) -> None:
    """Make roll-ups anew from events, day by day; may be done while requests come in."""
    line: CommandLine = context.obj

    async def work() -> int:
        days = 0
        async with line.store() as store:
            with line.progress("rebuilding") as told:
                async for _ in store.ledger.rebuild(since.date() if since is not None else None):
                    days += 1
                    told(1)
        return days

    typer.echo(f"{line.run(work())} days were made anew")
