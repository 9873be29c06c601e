"""``proxystore usage``: who used what."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final
from uuid import UUID

import typer

from proxystore import CommandLine, UsageEvent, UsageSummary
from proxystore_usage.moments import moment
from proxystore_usage.tables import EVENT, EVENT_WHOLE, FIELDS, SUMMARY_WHOLE, summary_columns


class Grouping(StrEnum):
    """What can be summed up by."""

    MODEL = "model"
    PROVIDER = "provider"
    PROJECT = "project"
    KEY = "key"
    OPERATION = "operation"
    DAY = "day"
    HOUR = "hour"
    MONTH = "month"


def _moment(text: str) -> datetime:
    try:
        return moment(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise typer.BadParameter("an event's id is a UUID, as in the list") from None


_When: Final = "2026-11-01, 2026-11-01T14:00, or 24h, 7d, 2w ago; in UTC."
_Json = Annotated[bool, typer.Option("--json", help="For programs: every value there is.")]
_By = Annotated[Grouping, typer.Option(help="What to sum up by.")]
_Since = Annotated[datetime | None, typer.Option(parser=_moment, metavar="WHEN", help=f"From then on: {_When}")]
_Until = Annotated[datetime | None, typer.Option(parser=_moment, metavar="WHEN", help="Up to then, exclusive.")]
_Limit = Annotated[int, typer.Option(min=1, max=10_000, help="How many at most.")]
_Model = Annotated[str | None, typer.Option(help="Only those that asked for this model, or were answered by it.")]
_Key = Annotated[str | None, typer.Option(help="Only those of the key with this id.")]
_Project = Annotated[str | None, typer.Option(help="Only those of the project with this id.")]
_Before = Annotated[UUID | None, typer.Option(parser=_id, metavar="ID", help="Only those older than this event.")]
_Id = Annotated[UUID, typer.Argument(parser=_id, metavar="ID", help="As in the list.", show_default=False)]

usage = typer.Typer(help="Who used what.", no_args_is_help=True)


@usage.command()
def summary(
    context: typer.Context,
    *,
    by: _By = Grouping.MODEL,
    since: _Since = None,
    until: _Until = None,
    as_json: _Json = False,
) -> None:
    """Sum up requests, tokens, cost and latency."""
    line: CommandLine = context.obj

    async def read() -> list[UsageSummary]:
        async with line.store() as store:
            return await store.usage.summary(by.value, since=since, until=until)

    line.show(line.run(read()), SUMMARY_WHOLE if as_json else summary_columns(by.value), as_json=as_json)


@usage.command("list")
def list_events(
    context: typer.Context,
    *,
    limit: _Limit = 20,
    model: _Model = None,
    key: _Key = None,
    project: _Project = None,
    before: _Before = None,
    as_json: _Json = False,
) -> None:
    """List single exchanges, newest first."""
    line: CommandLine = context.obj

    async def read() -> list[UsageEvent]:
        async with line.store() as store:
            return await store.usage.list(limit=limit, before=before, model=model, key=key, project=project)

    line.show(line.run(read()), EVENT_WHOLE if as_json else EVENT, as_json=as_json)


@usage.command()
def show(context: typer.Context, event_id: _Id, *, as_json: _Json = False) -> None:
    """Show everything about one exchange."""
    line: CommandLine = context.obj

    async def read() -> UsageEvent:
        async with line.store() as store:
            return await store.usage.get(event_id)

    event = line.run(read())
    if as_json:
        line.show([event], EVENT_WHOLE, as_json=True)
    else:
        line.show(_fields(event), FIELDS)


def _fields(event: UsageEvent) -> list[dict[str, Any]]:
    return [{"field": column.title, "value": column.words(event)} for column in EVENT_WHOLE]
