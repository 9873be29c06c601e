"""``proxystore usage``: reports, each by whatever is asked for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, TypeAlias

import typer

from proxystore import Column, CommandLine, options
from proxystore_usage.options import (
    By,
    Grouping,
    Key,
    Model,
    Project,
    Provider,
    SinceHour,
    UntilHour,
    clients,
    show,
)
from proxystore_usage.tables import (
    COSTS_WHOLE,
    LATENCIES_WHOLE,
    SUMMARY_WHOLE,
    cost_columns,
    error_columns,
    latency_columns,
    saving_columns,
    summary_columns,
)

if TYPE_CHECKING:
    from proxystore import Store

Read: TypeAlias = Callable[..., Awaitable[Sequence[Any]]]


class Measure(StrEnum):
    """What the first ones have the most of."""

    REQUESTS = "requests"
    COST = "cost"
    TOKENS = "tokens"
    ERRORS = "errors"
    SAVED = "saved"


class Report(NamedTuple):
    """A command: what it tells, how it is read, and what of it is shown."""

    name: str
    help: str
    read: Callable[[Store], Read]
    columns: Callable[[str], tuple[Column, ...]]
    whole: tuple[Column, ...]


_MEASURES = {
    Measure.REQUESTS: "requests",
    Measure.COST: "cost_nanousd",
    Measure.TOKENS: "all_tokens",
    Measure.ERRORS: "errors",
    Measure.SAVED: "saved_nanousd",
}
_REPORTS = (
    Report(
        "summary",
        "Sum up requests, tokens, cost and latency.",
        lambda store: store.usage.summary,
        summary_columns,
        SUMMARY_WHOLE,
    ),
    Report("costs", "Break costs down.", lambda store: store.usage.costs, cost_columns, COSTS_WHOLE),
    Report(
        "latency",
        "Show in how many milliseconds 50, 95 and 99 % of answers were complete.",
        lambda store: store.usage.latencies,
        latency_columns,
        LATENCIES_WHOLE,
    ),
    Report("savings", "Show what the cache saved.", lambda store: store.usage.savings, saving_columns, SUMMARY_WHOLE),
)
_By = Annotated[Measure, typer.Option("--measure", help="What to rank by.")]
_AtLeast = Annotated[int, typer.Option(min=1, help="Leave out groups of fewer requests.")]
_KeyId = Annotated[str, typer.Argument(metavar="KEY", help="A key, by its id or its name.", show_default=False)]
_Month = Annotated[str | None, typer.Argument(metavar="YYYY-MM", help="One month; else every one.", show_default=False)]
_Refresh = Annotated[bool, typer.Option("--refresh", help="Make the days of that month anew from their events first.")]


def add_reports(cli: typer.Typer) -> None:
    """Add a command for each report."""
    for report in _REPORTS:
        cli.command(report.name, help=report.help)(_command(report))
    cli.command()(top)
    cli.command()(errors)
    cli.command()(monthly)


def _command(report: Report) -> Callable[..., None]:
    def command(
        context: typer.Context,
        *,
        by: By = Grouping.MODEL,
        since: SinceHour = None,
        until: UntilHour = None,
        model: Model = None,
        provider: Provider = None,
        key: Key = None,
        project: Project = None,
        as_json: options.Json = False,
        as_csv: options.Csv = False,
    ) -> None:
        line: CommandLine = context.obj

        async def read(store: Store) -> Sequence[Any]:
            whose = await clients(store, key=key, project=project)
            return await report.read(store)(by.value, since=since, until=until, model=model, provider=provider, **whose)

        rows = line.ask(read)
        show(line, rows, report.columns(by.value), report.whole, as_json=as_json, as_csv=as_csv)

    return command


def top(
    context: typer.Context,
    *,
    by: By = Grouping.KEY,
    limit: options.Limit = 10,
    measure: _By = Measure.COST,
    since: SinceHour = None,
    until: UntilHour = None,
    as_json: options.Json = False,
    as_csv: options.Csv = False,
) -> None:
    """Show who has the most of something."""
    line: CommandLine = context.obj
    what: Any = _MEASURES[measure]
    rows = line.ask(lambda store: store.usage.top(by.value, limit, measure=what, since=since, until=until))
    show(line, rows, summary_columns(by.value), SUMMARY_WHOLE, as_json=as_json, as_csv=as_csv)


def errors(
    context: typer.Context,
    *,
    by: By = Grouping.MODEL,
    at_least: _AtLeast = 1,
    since: SinceHour = None,
    until: UntilHour = None,
    as_json: options.Json = False,
    as_csv: options.Csv = False,
) -> None:
    """Show which share of requests failed, the highest first."""
    line: CommandLine = context.obj
    rows = line.ask(lambda store: store.usage.error_rates(by.value, at_least=at_least, since=since, until=until))
    show(line, rows, error_columns(by.value), SUMMARY_WHOLE, as_json=as_json, as_csv=as_csv)


def monthly(
    context: typer.Context,
    key: _KeyId,
    month: _Month = None,
    *,
    refresh: _Refresh = False,
    as_json: options.Json = False,
    as_csv: options.Csv = False,
) -> None:
    """Sum up what a key used in a month, or in every month."""
    line: CommandLine = context.obj
    when = None if month is None else _year_and_month(month)

    async def read(store: Store) -> Sequence[Any]:
        key_id = await options.key_id(store, key)
        if when is None:
            return await store.usage.months(key_id)
        if refresh:
            await store.refresh_month(*when)
        return [await store.usage.monthly(key_id, *when)]

    if refresh and when is None:
        raise typer.BadParameter("name the month that is to be made anew")
    rows = line.ask(read)
    show(line, rows, summary_columns("month"), SUMMARY_WHOLE, as_json=as_json, as_csv=as_csv)


def _year_and_month(text: str) -> tuple[int, int]:
    try:
        found = datetime.strptime(text, "%Y-%m")  # noqa: DTZ007  a month has no time zone
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no month such as 2026-11") from None
    return found.year, found.month
